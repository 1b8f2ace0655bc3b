"""The message and exit status of a command that failed."""

from bot.common.terminal import complain

EXIT_ERROR = 1


EXIT_AGAIN = 75  # EX_TEMPFAIL of sysexits.h


EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count


def failed(error: Exception) -> int:
    """Print `error` in one line. Returns the exit status."""
    from bot.common.wording import words
    from pipeline.disk import disk_error, is_about_files
    from pipeline.errors import Cancelled, EkakiError

    if isinstance(error, Cancelled):
        complain("Interrupted.")
        return EXIT_INTERRUPTED
    if isinstance(error, EkakiError):
        complain(words(error))
        return EXIT_AGAIN if error.key == "data_dir_replaced" else EXIT_ERROR
    if isinstance(error, OSError) and is_about_files(error):
        complain(words(disk_error(error, "a file")))
    elif isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        complain(f"{error.strerror or error}{where}")
    else:
        _unexpected(error)
    return EXIT_ERROR


def _unexpected(error: Exception) -> None:
    """Report a bug: the line says so, and the log has the details if they were asked for."""
    import logging

    logging.getLogger(__name__).debug("Unexpected error", exc_info=error)
    complain(f"unexpected error, {type(error).__name__}: {error} (LOG_LEVEL=DEBUG tells more)")

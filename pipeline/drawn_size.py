"""The size in which a request is drawn: a bucket's, or that of the picture it starts from."""

from pipeline.aspect import Bucket, nearest_bucket, parse_aspect
from pipeline.canvas import extended, keeps_size, redrawn
from pipeline.errors import InputError
from pipeline.request import GenerationRequest
from pipeline.rework import Size, upscaled


def drawn_size(
    request: GenerationRequest,
    *,
    bucket: Bucket,
    size_multiple: int,
    width: int | None,
    height: int | None,
) -> Size:
    """The size to draw; `width` and `height` are those of the init picture, `bucket` is the usual
    one. InputError."""
    source = None
    if request.init_picture is not None and width is not None and height is not None:
        source = Size(width=width, height=height)
    if request.mask is not None or request.extend is not None or request.only_faces:
        return _redrawn(request, source, size_multiple=size_multiple)
    if request.upscale:
        if source is None:
            raise InputError("upscale_needs_picture")
        return upscaled(source, size_multiple=size_multiple)
    if source is not None and _keeps_size(request, source, size_multiple=size_multiple):
        return source
    if request.aspect is not None:
        bucket = parse_aspect(request.aspect)
    elif source is not None:
        bucket = nearest_bucket(width=source.width, height=source.height)
    return Size(width=bucket.width, height=bucket.height)


def _keeps_size(request: GenerationRequest, source: Size, *, size_multiple: int) -> bool:
    """Whether the size of `source`, which may be no bucket's as it was extended, is asked for."""
    same = request.aspect == f"{source.width}x{source.height}"
    return same and keeps_size(source, size_multiple=size_multiple)


def _redrawn(request: GenerationRequest, source: Size | None, *, size_multiple: int) -> Size:
    """The size of a picture of which a part or its faces are redrawn, or which is extended."""
    if source is None:
        raise InputError("mask_needs_picture")
    ways = (request.mask is not None, request.extend is not None, request.only_faces)
    if request.upscale or sum(ways) > 1:
        raise InputError("mask_alone")
    size = redrawn(source, size_multiple=size_multiple)
    if request.extend is None:
        return size
    return extended(size, request.extend, size_multiple=size_multiple)

"""Discord's limits as the loopback enforces them.

Source: Discord's developer documentation, snapshot August 2026, where no other one is named.
"""

ACKNOWLEDGE_WITHIN_S = 3.0
TOKEN_LIFETIME_S = 15 * 60.0
USER_INSTALL_FOLLOWUPS = 5
NONCE_LIFETIME_S = 5 * 60.0  # "some minutes"
CDN_LIFETIME_S = 24 * 3600.0

CONTENT_LENGTH = 2000
NONCE_LENGTH = 25
FILES = 10
FILE_BYTES = 10 * 1024 * 1024
REQUEST_BYTES = 25 * 1024 * 1024 * 5  # all parts of a request together
ATTACHMENT_DESCRIPTION = 1024

EMBEDS = 10
EMBED_TOTAL = 6000
EMBED_TITLE = 256
EMBED_DESCRIPTION = 4096
EMBED_FIELDS = 25
EMBED_FIELD_NAME = 256
EMBED_FIELD_VALUE = 1024
EMBED_FOOTER = 2048
EMBED_AUTHOR = 256

ROWS = 5
BUTTONS_PER_ROW = 5
CUSTOM_ID = 100
BUTTON_LABEL = 80
SELECT_OPTIONS = 25
SELECT_TEXT = 100
SELECT_PLACEHOLDER = 150

MODAL_TITLE = 45
MODAL_COMPONENTS = 5
TEXT_INPUT = 4000
TEXT_INPUT_LABEL = 45
TEXT_INPUT_PLACEHOLDER = 100

CHOICES = 25
CHOICE_LENGTH = 100
COMMAND_NAME = 32
COMMAND_DESCRIPTION = 100
COMMAND_OPTIONS = 25
COMMAND_TOTAL = 8000
CHAT_COMMANDS = 100
MENU_COMMANDS = 15  # of each kind
OPTION_TEXT = 6000  # min_length and max_length of a text option

LOCALES = frozenset({
    "ar", "bg", "cs", "da", "de", "el", "en-GB", "en-US", "es-419", "es-ES", "fi", "fr", "he", "hi",
    "hr", "hu", "id", "it", "ja", "ko", "lt", "nl", "no", "pl", "pt-BR", "ro", "ru", "sv-SE", "th",
    "tr", "uk", "vi", "zh-CN", "zh-TW",
})  # fmt: skip
"""Of Discord's clients; from its OpenAPI document."""

GLOBAL_PER_S = 50
EMOJI_KINDS = 20  # different reactions on one message
EPHEMERAL = 1 << 6
LOADING = 1 << 7
SUPPRESS_EMBEDS = 1 << 2
SUPPRESS_NOTIFICATIONS = 1 << 12

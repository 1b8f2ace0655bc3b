"""The migration of a new setting, made from its row, so that default and bounds are the same:

python -m data.guilds.new_setting NAME > data/migrations/NNNN_NAME.sql
"""

import sys

from data.guilds.server_settings import SETTINGS, Setting


def migration(row: Setting) -> str:
    """SQL that adds the column of `row`. ValueError for a control without a column of its own."""
    table = "guild_limits" if row.control == "limit" else "guild_settings"
    return (
        "-- A setting of a server, declared in data.guilds.server_settings.\n\n"
        f"ALTER TABLE {table} ADD COLUMN {column(row)};\n"
    )


def column(row: Setting) -> str:
    """The definition of a column. Raises as `migration`."""
    name = row.name
    match row.control:
        case "switch":
            return f"{name} INTEGER NOT NULL DEFAULT {int(row.default)} CHECK ({name} IN (0, 1))"
        case "number":
            bounds = f"CHECK ({name} BETWEEN {row.low} AND {row.high})"
            return f"{name} INTEGER NOT NULL DEFAULT {row.default} {bounds}"
        case "text":
            return f"{name} TEXT NOT NULL DEFAULT '' CHECK (length({name}) <= {row.high})"
        case "limit":
            return f"{name} INTEGER CHECK ({name} >= {row.low})"
        case "speed":
            return f"{name} TEXT"
        case "channel":
            return f"{name} INTEGER"
        case _:
            raise ValueError(row.control)


if __name__ == "__main__":
    sys.stdout.write(migration(SETTINGS[sys.argv[1]]))

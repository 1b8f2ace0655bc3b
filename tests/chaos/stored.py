"""Whether what is stored fits together: rows, files, and what was counted for faces."""

from collections.abc import Iterator
from functools import cache

from pipeline.request import ResolvedRequest
from pipeline.speed.cost import used_for_faces
from tests.chaos.stage import Stage

_FINISHED_USES = (
    "SELECT job_id, quota_uses.pictures AS pictures, faces_cost, request FROM quota_uses"
    " JOIN jobs ON jobs.id = job_id WHERE refunded = 0 AND state = 'finished'"
)


@cache
def resolved(stored: str) -> ResolvedRequest:
    return ResolvedRequest.from_json(stored)


def file_complaints(stage: Stage) -> Iterator[str]:
    """Every file is named by a row, every row has its file."""
    for kind in ("pictures", "uploads", "withheld"):
        folder = stage.seen / kind
        found = (path for path in folder.rglob("*") if path.is_file())
        there = {path.relative_to(folder).as_posix() for path in found}
        rows = stage.query(
            f"SELECT DISTINCT content_hash AS hash FROM {kind} WHERE content_hash IS NOT NULL"
        )
        named = {f"{row['hash'][:2]}/{row['hash']}.png" for row in rows}
        for name in sorted(there - named):
            yield f"orphan file: {kind}/{name}"
        for name in sorted(named - there):
            yield f"missing file: {kind}/{name}"


def database_complaints(stage: Stage) -> Iterator[str]:
    """No row names another that is not there."""
    for row in stage.query("SELECT job_id FROM drawing"):
        yield f"{row['job_id']}: still in an engine's hand"
    for row in stage.query("PRAGMA foreign_key_check"):
        yield f"dangling row in {row[0]}, which names {row[2]}"
    for row in stage.query("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield f"damaged database: {row[0]}"
    wrong = stage.query(
        "SELECT jobs.id, jobs.state, jobs.pictures, COUNT(pictures.id) AS made,"
        " (SELECT COUNT(*) FROM withheld WHERE job_id = jobs.id AND state <> 'released')"
        " AS held FROM jobs LEFT JOIN pictures ON pictures.job_id = jobs.id GROUP BY jobs.id"
        " HAVING made != CASE jobs.state WHEN 'finished' THEN jobs.pictures - held ELSE 0 END"
    )
    for row in wrong:
        yield f"{row['id']}: {row['state']} with {row['made']} of {row['pictures']}"


def face_complaints(stage: Stage) -> Iterator[str]:
    """Faces count as what was drawn of them, not as what was taken at first."""
    faces: dict[str, list[tuple[int, int]]] = {}
    for row in stage.query("SELECT job_id, position, faces FROM pictures"):
        faces.setdefault(row["job_id"], []).append((row["position"], row["faces"]))
    for row in stage.query(_FINISHED_USES):
        found = faces.get(row["job_id"], [])
        request = resolved(row["request"])
        if len(found) != row["pictures"]:  # some are deleted, or released since
            continue
        wanted = used_for_faces(request, found)
        if row["faces_cost"] != wanted:
            yield f"{row['job_id']}: {row['faces_cost']} for its faces, not {wanted}"

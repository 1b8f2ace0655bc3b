"""For how long tests wait for what should come. It only ends what hangs: a machine may be as busy
as it likes, so no test is about how long something takes."""

PATIENCE_S = 120.0
PATIENCE_MS = PATIENCE_S * 1000

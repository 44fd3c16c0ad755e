-- title: How sources' documents changed their shape
-- purpose: Which paths and types appeared in, or vanished from, what a source sends.
-- columns:
--   day: the UTC day
--   source: the source
--   wrapping: where the gizmo object lies in its payloads
--   kind: appeared, vanished or type
--   path: the path
--   example: a value, cut
-- parameters:
--   top = 200: how many, the latest first
-- reading: What appeared and has no column is in v_unmapped, with how often it came.
SELECT day, source, wrapping, kind, path, example
FROM v_drift
ORDER BY day DESC, source, wrapping, path, kind
LIMIT :top

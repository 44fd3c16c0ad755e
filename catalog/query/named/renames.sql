-- title: GPTs that changed their name
-- purpose: Rebranding, and names that were taken over.
-- columns:
--   day: the UTC day on which the new name was first seen
--   gizmo_id: the GPT
--   old: the old name
--   new: the new name
--   user_id: its author now
-- parameters:
--   top = 100: how many, the latest first
-- reading: Names that were taken back soon are left out.
WITH renamed AS (
  SELECT day, gizmo_id, observed_at, user_id
  FROM v_changes
  WHERE field = 'gizmo.display.name' AND kind = 'changed' AND is_news
  ORDER BY observed_at DESC, gizmo_id
  LIMIT :top
)
SELECT r.day, r.gizmo_id, before.name AS old, since.name AS new, r.user_id
FROM renamed AS r
JOIN v_revisions AS before ON before.gizmo_id = r.gizmo_id AND before.valid_to = r.observed_at
JOIN v_revisions AS since ON since.gizmo_id = r.gizmo_id AND since.valid_from = r.observed_at
ORDER BY r.observed_at DESC, r.gizmo_id

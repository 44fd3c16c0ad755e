-- title: Prompt starters that many GPTs share
-- purpose: Templates, copies, and what the platform suggests.
-- columns:
--   text: the starter
--   gpts: GPTs that have it now
--   authors: their authors
-- parameters:
--   top = 50: how many starters
-- reading: One author with many GPTs is a series; many authors are a template or copies.
SELECT s.text, COUNT(DISTINCT s.gizmo_id) AS gpts, COUNT(DISTINCT g.user_id) AS authors
FROM v_starters AS s JOIN v_gpts AS g ON g.gizmo_id = s.gizmo_id
WHERE s.is_current
GROUP BY s.text
HAVING COUNT(DISTINCT s.gizmo_id) > 1
ORDER BY gpts DESC, s.text
LIMIT :top

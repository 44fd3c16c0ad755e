-- title: Which services actions call
-- purpose: Who gets what people type into GPTs with actions.
-- columns:
--   domain: the action's host
--   gpts: GPTs that call it now
--   authors: their authors
--   conversations: their conversations, at least
--   privacy_policies: different privacy policies that they name
-- parameters:
--   top = 100: how many domains
-- reading: A domain with many authors is a service; one with one author is a GPT's own.
SELECT t.domain, COUNT(DISTINCT t.gizmo_id) AS gpts, COUNT(DISTINCT g.user_id) AS authors,
  SUM(COALESCE(g.conversations, 0)) AS conversations,
  COUNT(DISTINCT t.privacy_policy_url) AS privacy_policies
FROM v_tools AS t JOIN v_gpts AS g ON g.gizmo_id = t.gizmo_id
WHERE t.is_current AND t.domain IS NOT NULL
GROUP BY t.domain
ORDER BY gpts DESC, t.domain
LIMIT :top

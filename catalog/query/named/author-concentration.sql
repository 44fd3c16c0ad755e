-- title: How much the largest authors hold
-- purpose: Whether few authors make most GPTs, and whether few have most conversations.
-- columns:
--   top: the so many largest authors
--   gpts: GPTs of those with the most GPTs
--   gpts_percent: their share of all GPTs with a known author
--   conversations: conversations of those with the most conversations, at least
--   conversations_percent: their share of all of these
-- reading: The two columns rank authors apart: those with many GPTs need not be those that are used.
WITH sums AS (
  SELECT user_id, COUNT(*) AS gpts, SUM(COALESCE(conversations, 0)) AS conversations
  FROM v_gpts WHERE user_id IS NOT NULL GROUP BY user_id
),
ranked AS (
  SELECT gpts, conversations,
    ROW_NUMBER() OVER (ORDER BY gpts DESC, user_id) AS gpts_rank,
    ROW_NUMBER() OVER (ORDER BY conversations DESC, user_id) AS conversations_rank
  FROM sums
),
whole AS (
  SELECT COUNT(*) AS authors, SUM(gpts) AS gpts, SUM(conversations) AS conversations FROM ranked
),
cuts(top) AS (VALUES (1), (10), (100), (1000), (10000), (100000))
SELECT c.top,
  SUM(CASE WHEN r.gpts_rank <= c.top THEN r.gpts ELSE 0 END) AS gpts,
  ROUND(100.0 * SUM(CASE WHEN r.gpts_rank <= c.top THEN r.gpts ELSE 0 END) / w.gpts, 1)
    AS gpts_percent,
  SUM(CASE WHEN r.conversations_rank <= c.top THEN r.conversations ELSE 0 END) AS conversations,
  ROUND(
    100.0 * SUM(CASE WHEN r.conversations_rank <= c.top THEN r.conversations ELSE 0 END)
      / NULLIF(w.conversations, 0),
    1
  ) AS conversations_percent
FROM cuts AS c CROSS JOIN whole AS w CROSS JOIN ranked AS r
WHERE c.top < w.authors * 10
GROUP BY c.top, w.gpts, w.conversations
ORDER BY c.top

-- title: Words in names, year by year
-- purpose: Which words were in fashion in the names of GPTs when they were made.
-- columns:
--   year: the UTC year in which they were made
--   word: the word, in any case
--   gpts: GPTs of that year with the word in their current name
--   percent: their share of all GPTs of that year
-- reading: Compare a word's percent over the years. A word counts between blanks; gpt counts
--   inside others too.
WITH words(word, pattern) AS (
  VALUES ('gpt', '%gpt%'), ('ai', '% ai %'), ('assistant', '% assistant %'),
    ('bot', '% bot %'), ('coach', '% coach %'), ('code', '% code %'), ('creator', '% creator %'),
    ('expert', '% expert %'), ('free', '% free %'), ('generator', '% generator %'),
    ('guide', '% guide %'), ('guru', '% guru %'), ('helper', '% helper %'),
    ('image', '% image %'), ('logo', '% logo %'), ('master', '% master %'),
    ('mentor', '% mentor %'), ('pro', '% pro %'), ('tutor', '% tutor %'), ('writer', '% writer %')
),
years AS (
  SELECT created_year AS year, COUNT(*) AS gpts FROM v_gpts
  WHERE created_year IS NOT NULL AND name IS NOT NULL GROUP BY created_year
),
hits AS (
  SELECT g.created_year AS year, w.word, COUNT(*) AS gpts
  FROM v_gpts AS g JOIN words AS w ON (' ' || lower(g.name) || ' ') LIKE w.pattern
  WHERE g.created_year IS NOT NULL
  GROUP BY g.created_year, w.word
)
SELECT h.year, h.word, h.gpts, ROUND(100.0 * h.gpts / y.gpts, 1) AS percent
FROM hits AS h JOIN years AS y ON y.year = h.year
ORDER BY h.year, h.gpts DESC, h.word

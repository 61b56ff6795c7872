"""SQL of audiences. `canonical` is read, never written (D2)."""

PLANNER = """
SELECT set_config('work_mem', '128MB', true), set_config('jit', 'off', true),
       set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_nestloop', 'off', true),
       set_config('parallel_setup_cost', '10', true), set_config('max_parallel_workers_per_gather', '1', true),
       set_config('min_parallel_index_scan_size', '64kB', true), set_config('min_parallel_table_scan_size', '512kB', true)
"""
"""Hash tables of a million ids fit, and the plan is made for the values at hand. Behind row-level security
PostgreSQL keeps its statistics from conditions that might leak, expects a handful of rows, and would choose
nested loops over millions, alone. So there are none, and a helper is thought cheap and worth its while for
smaller reads; only one, because what is gathered for a join is gathered by each (docs/decisions/0021). Only
for statements over a whole practice: `PLANNER_BACK` follows."""

# Without its unit a number counts in the unit the server keeps it in, blocks of 8 kB too.
PLANNER_BACK = """
SELECT set_config(name, reset_val, true) FROM pg_settings
WHERE name IN ('work_mem', 'jit', 'plan_cache_mode', 'enable_nestloop', 'parallel_setup_cost',
  'max_parallel_workers_per_gather', 'min_parallel_index_scan_size', 'min_parallel_table_scan_size')
"""

ZONE = "SELECT timezone FROM cm.practice WHERE practice_id = :practice"

MEMBERS = "SELECT c.contact_id FROM canonical.contact c WHERE c.practice_id = :practice AND {where}"

COUNT = "SELECT count(*) FROM canonical.contact c WHERE c.practice_id = :practice AND {where}"

SAMPLE = """
SELECT c.contact_id, c.first_name, left(c.last_name, 1) AS initial, c.kind
FROM canonical.contact c WHERE c.practice_id = :practice AND {where}
ORDER BY c.contact_id LIMIT :size
"""

PACKED = """
SELECT count(*) AS size, coalesce(string_agg(uuid_send(m.contact_id), ''::bytea ORDER BY m.contact_id), ''::bytea) AS members
FROM ({members}) m
"""

IS_MEMBER = """
SELECT EXISTS (SELECT FROM canonical.contact c
               WHERE c.practice_id = :practice AND c.contact_id = :contact AND {where})
"""

CHOICES = """
SELECT DISTINCT {column} AS choice FROM {relation} WHERE {column} <> '' ORDER BY 1 LIMIT 200
"""

SEGMENTS = """
SELECT s.segment_id, s.name, s.description, s.rule, s.updated_at, s.archived_at, z.size, z.counted_at
FROM cm.segment s
LEFT JOIN LATERAL (SELECT size, counted_at FROM cm.segment_size z WHERE z.practice_id = s.practice_id
                   AND z.segment_id = s.segment_id ORDER BY counted_at DESC LIMIT 1) z ON true
WHERE s.practice_id = :practice
ORDER BY lower(s.name)
"""

INSERT_SEGMENT = """
INSERT INTO cm.segment (practice_id, segment_id, name, description, rule, created_by, created_at, updated_at)
VALUES (:practice, :segment, :name, :description, :rule, :person, :now, :now)
ON CONFLICT (practice_id, lower(name)) WHERE archived_at IS NULL DO NOTHING
RETURNING segment_id
"""

NAME_TAKEN = """
SELECT EXISTS (SELECT FROM cm.segment WHERE practice_id = :practice AND lower(name) = lower(:name)
               AND archived_at IS NULL AND segment_id <> :segment)
"""

UPDATE_SEGMENT = """
UPDATE cm.segment SET name = :name, description = :description, rule = :rule, updated_at = :now
WHERE practice_id = :practice AND segment_id = :segment AND archived_at IS NULL
  AND (CAST(:since AS timestamptz) IS NULL OR updated_at = :since)
RETURNING segment_id
"""

ARCHIVE_SEGMENT = """
UPDATE cm.segment SET archived_at = :now
WHERE practice_id = :practice AND segment_id = :segment AND archived_at IS NULL
RETURNING name
"""

ADD_SIZE = """
INSERT INTO cm.segment_size (practice_id, segment_id, counted_at, size)
VALUES (:practice, :segment, :now, :size)
ON CONFLICT (practice_id, segment_id, counted_at) DO UPDATE SET size = excluded.size
"""

SIZES = """
SELECT counted_at, size FROM cm.segment_size
WHERE practice_id = :practice AND segment_id = :segment AND counted_at >= :since ORDER BY counted_at
"""

EXECUTION = "SELECT campaign_id FROM cm.execution WHERE practice_id = :practice AND execution_id = :execution"

INSERT_SNAPSHOT = """
INSERT INTO cm.audience_snapshot (practice_id, snapshot_id, execution_id, campaign_id, taken_at, size, members)
VALUES (:practice, :snapshot, :execution, :campaign, :now, :size, :members)
"""

SNAPSHOTS = """
SELECT snapshot_id, execution_id, taken_at, size FROM cm.audience_snapshot
WHERE practice_id = :practice AND campaign_id = :campaign ORDER BY taken_at DESC
"""

HISTORIES = """
SELECT segment_id, counted_at, size FROM cm.segment_size
WHERE practice_id = :practice AND counted_at >= :since ORDER BY segment_id, counted_at
"""

"""The SQL of one look at everything; of this practice, but for what is the server's."""

DATABASE = "SELECT pg_database_size(current_database()) AS size, current_setting('server_version') AS version"
TABLES = """
SELECT coalesce(p.relname, c.relname) AS name, sum(pg_total_relation_size(c.oid))::bigint AS size
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'cm'
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
WHERE c.relkind = 'r' GROUP BY 1 ORDER BY 2 DESC LIMIT 3
"""
# What the months' tables take, by month: how fast it grows.
GROWTH = """
SELECT right(c.relname, 6) AS month, sum(pg_total_relation_size(c.oid))::bigint AS size
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
JOIN pg_namespace n ON n.oid = p.relnamespace AND n.nspname = 'cm' AND p.relkind = 'p'
WHERE right(c.relname, 6) IN (:this, :last) GROUP BY 1
"""
LAST_EVENTS = "SELECT type, max(last_at) AS at FROM cm.event_rate WHERE practice_id = :practice GROUP BY type"
OUTBOX = "SELECT min(occurred_at) FROM cm.outbox WHERE practice_id = :practice"
OVERDUE = """
SELECT min(w.due_at) FROM cm.work w
JOIN cm.campaign_version v ON v.practice_id = w.practice_id AND v.version_id = w.version_id
JOIN cm.campaign c ON c.practice_id = v.practice_id AND c.campaign_id = v.campaign_id AND c.state = 'active'
WHERE w.practice_id = :practice AND w.due_at <= :now
  AND NOT EXISTS (SELECT 1 FROM cm.paced_until u WHERE u.practice_id = w.practice_id AND u.version_id = w.version_id
    AND u.step_id = w.step_id AND u.until > :now)
"""
UNSEALED = "SELECT min(at) FROM cm.audit_batch WHERE practice_id = :practice AND seal_no IS NULL"
INVARIANTS = """
SELECT (SELECT looked_at FROM cm.leak_scan WHERE practice_id = :practice) AS looked_at,
  (SELECT count(*) FROM cm.audit WHERE practice_id = :practice AND tag = 'invariant.broken' AND at > :since) AS broken
"""
KILLED = "SELECT kill_switch_at FROM cm.practice WHERE practice_id = :practice"

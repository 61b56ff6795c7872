-- The bundled Practice Platform (D3): imports, simulation; it owns `canonical`.
CREATE SCHEMA platform AUTHORIZATION cm_platform;

CREATE TABLE platform.import_batch (
  practice_id uuid NOT NULL,
  batch_id uuid NOT NULL,
  kind text NOT NULL,                           -- leads, synthea
  file_name text NOT NULL,
  file_hash text NOT NULL,
  state text NOT NULL CHECK (state IN ('uploaded', 'done', 'failed')),
  mapping jsonb NOT NULL DEFAULT '{}',
  consent jsonb,                                -- declaration: channels, purpose, method, date, evidence
  total_rows integer NOT NULL DEFAULT 0,
  imported integer NOT NULL DEFAULT 0,
  duplicates integer NOT NULL DEFAULT 0,
  errors integer NOT NULL DEFAULT 0,            -- rows that could not come in
  warnings integer NOT NULL DEFAULT 0,          -- rows that came in with something left out
  content bytea,                                -- the file, sealed, until it is imported
  uploaded_by text NOT NULL,
  confirmed_by text NOT NULL DEFAULT '',        -- who stood for the mapping and the consent
  created_at timestamptz NOT NULL,
  finished_at timestamptz,
  PRIMARY KEY (practice_id, batch_id)
);
CREATE UNIQUE INDEX import_batch_file ON platform.import_batch (practice_id, file_hash) WHERE state = 'done';
CREATE INDEX import_batch_unconfirmed ON platform.import_batch (created_at) WHERE state = 'uploaded';

CREATE TABLE platform.import_error (
  practice_id uuid NOT NULL,
  batch_id uuid NOT NULL,
  row_number integer NOT NULL,
  field text NOT NULL,
  severity text NOT NULL DEFAULT 'error' CHECK (severity IN ('error', 'warning', 'note')),
  problem text NOT NULL,
  PRIMARY KEY (practice_id, batch_id, row_number, field)
);

CREATE TABLE platform.inbox (
  practice_id uuid NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  received_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, source, event_id)
);

CREATE TABLE platform.outbox (LIKE cm.outbox INCLUDING ALL);

CREATE FUNCTION platform.practice_ids() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS 'SELECT practice_id FROM canonical.practice ORDER BY practice_id';
CREATE FUNCTION platform.unconfirmed(before timestamptz) RETURNS TABLE (practice_id uuid, files bigint) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS 'SELECT b.practice_id, count(*) FROM platform.import_batch b WHERE b.state = ''uploaded'' AND b.created_at < before GROUP BY 1 ORDER BY 1';
DO $$
DECLARE t text;
BEGIN
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'platform' LOOP
    EXECUTE format('ALTER TABLE platform.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE platform.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON platform.%I TO cm_platform USING (practice_id = (SELECT current_setting(''cm.practice_id'')::uuid))', t);
  END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA platform TO cm_platform;

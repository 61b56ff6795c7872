-- The shared data model (D2): owned by the Practice Platform, read-only for everyone else.
CREATE SCHEMA canonical AUTHORIZATION cm_platform;
GRANT USAGE ON SCHEMA canonical TO cm_app, cm_hub, CURRENT_USER;

CREATE TABLE canonical.practice (
  practice_id uuid PRIMARY KEY,
  name text NOT NULL,
  timezone text NOT NULL,
  country text NOT NULL DEFAULT 'GB',
  locale text NOT NULL DEFAULT 'en-GB',
  postal_address text NOT NULL,
  phone text NOT NULL DEFAULT '',
  email text NOT NULL DEFAULT '',
  booking_url text NOT NULL DEFAULT ''          -- where people book online; empty: by telephone only
);

CREATE TABLE canonical.contact (
  practice_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('lead', 'patient', 'partner')),
  first_name text NOT NULL,
  last_name text NOT NULL,
  date_of_birth date,
  gender text NOT NULL DEFAULT '',
  email text,
  phone text,                                   -- E.164
  whatsapp_verified boolean NOT NULL DEFAULT false,
  app_user boolean NOT NULL DEFAULT false,      -- has the patient app
  locale text NOT NULL DEFAULT 'en-GB',
  timezone text NOT NULL DEFAULT 'Europe/London',
  household_id uuid,
  postcode text NOT NULL DEFAULT '',
  company text NOT NULL DEFAULT '',
  lead_status text NOT NULL DEFAULT '',
  source_system text NOT NULL DEFAULT '',
  source_list text NOT NULL DEFAULT '',
  source_ref text NOT NULL DEFAULT '',
  source_channel text NOT NULL DEFAULT '',
  utm_campaign text NOT NULL DEFAULT '',
  utm_content text NOT NULL DEFAULT '',
  identity_hash text NOT NULL DEFAULT '',
  first_touch_at timestamptz,
  registered_at timestamptz NOT NULL,
  do_not_contact boolean NOT NULL DEFAULT false,
  deceased boolean NOT NULL DEFAULT false,
  merged_into uuid,
  PRIMARY KEY (practice_id, contact_id)
);
-- Audiences are counted from narrow indexes, not from the records (AUD-8, docs/decisions/0021).
CREATE INDEX contact_counted ON canonical.contact (practice_id, contact_id) INCLUDE (kind, deceased, merged_into);
CREATE INDEX contact_identity ON canonical.contact (practice_id, identity_hash) WHERE identity_hash <> '';
CREATE INDEX contact_email ON canonical.contact (practice_id, lower(email)) WHERE email IS NOT NULL;
CREATE INDEX contact_phone ON canonical.contact (practice_id, phone) WHERE phone IS NOT NULL;
CREATE INDEX contact_household ON canonical.contact (practice_id, household_id) WHERE household_id IS NOT NULL;
CREATE INDEX contact_name ON canonical.contact (practice_id, lower(last_name), lower(first_name));

CREATE TABLE canonical.consent (
  practice_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  channel text NOT NULL CHECK (channel IN ('in_app', 'email', 'sms', 'whatsapp')),
  purpose text NOT NULL,
  state text NOT NULL CHECK (state IN ('granted', 'revoked')),
  method text NOT NULL DEFAULT '',
  evidence text NOT NULL DEFAULT '',
  effective_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, contact_id, channel, purpose)
);
CREATE INDEX consent_counted ON canonical.consent (practice_id, channel, purpose, state, contact_id);

CREATE TABLE canonical.consent_history (
  practice_id uuid NOT NULL,
  consent_event_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  channel text NOT NULL,
  purpose text NOT NULL,
  state text NOT NULL,
  method text NOT NULL,
  evidence text NOT NULL,
  effective_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, consent_event_id)
);
CREATE INDEX consent_history_contact ON canonical.consent_history (practice_id, contact_id, recorded_at);

CREATE TABLE canonical.appointment (
  practice_id uuid NOT NULL,
  appointment_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  kind text NOT NULL,                           -- check_up, hygiene, consultation, treatment, emergency
  treatment text NOT NULL DEFAULT '',
  status text NOT NULL CHECK (status IN ('booked', 'cancelled', 'attended', 'no_show')),
  booked_at timestamptz NOT NULL,
  starts_at timestamptz NOT NULL,
  value numeric(10, 2) NOT NULL DEFAULT 0,
  PRIMARY KEY (practice_id, appointment_id)
);
CREATE INDEX appointment_contact ON canonical.appointment (practice_id, contact_id, starts_at);
CREATE INDEX appointment_counted ON canonical.appointment (practice_id, status, contact_id, starts_at);
CREATE INDEX appointment_booked ON canonical.appointment (practice_id, booked_at, contact_id);

-- Appointments added up, a row for everyone who has any: what audiences ask of a whole history, without reading it
-- (docs/decisions/0022). Nobody writes here but the triggers below, in the transaction of the appointment. Of each
-- status how many and the latest start; `made` and `last_made` are of all bookings, whatever became of them.
CREATE TABLE canonical.visits (
  practice_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  made integer NOT NULL,
  attended integer NOT NULL,
  missed integer NOT NULL,
  cancelled integer NOT NULL,
  last_made timestamptz,
  last_attended timestamptz,
  last_missed timestamptz,
  last_cancelled timestamptz,
  last_booked timestamptz,
  PRIMARY KEY (practice_id, contact_id)
) WITH (fillfactor = 80);                       -- a changed row stays on its page

-- What is new is added on top: whoever adds for the same person at the same time waits for the row.
CREATE FUNCTION canonical.add_visits() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO canonical.visits AS v (practice_id, contact_id, made, attended, missed, cancelled,
    last_made, last_attended, last_missed, last_cancelled, last_booked)
  SELECT practice_id, contact_id, count(*), count(*) FILTER (WHERE status = 'attended'),
    count(*) FILTER (WHERE status = 'no_show'), count(*) FILTER (WHERE status = 'cancelled'), max(booked_at),
    max(starts_at) FILTER (WHERE status = 'attended'), max(starts_at) FILTER (WHERE status = 'no_show'),
    max(starts_at) FILTER (WHERE status = 'cancelled'), max(starts_at) FILTER (WHERE status = 'booked')
  FROM new_rows GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (practice_id, contact_id) DO UPDATE SET
    made = v.made + excluded.made, attended = v.attended + excluded.attended, missed = v.missed + excluded.missed,
    cancelled = v.cancelled + excluded.cancelled, last_made = greatest(v.last_made, excluded.last_made),
    last_attended = greatest(v.last_attended, excluded.last_attended),
    last_missed = greatest(v.last_missed, excluded.last_missed),
    last_cancelled = greatest(v.last_cancelled, excluded.last_cancelled),
    last_booked = greatest(v.last_booked, excluded.last_booked);
  RETURN NULL;
END $$;

-- What is changed or gone is added up anew: first the rows of those concerned are locked, then, in a statement of
-- its own that sees what the lock waited for, their appointments are read.
CREATE FUNCTION canonical.recount_visits(practices uuid[], contacts uuid[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO canonical.visits AS v (practice_id, contact_id, made, attended, missed, cancelled)
  SELECT p, c, 0, 0, 0, 0 FROM unnest(practices, contacts) AS concerned(p, c) ORDER BY 1, 2
  ON CONFLICT (practice_id, contact_id) DO UPDATE SET made = v.made;
  UPDATE canonical.visits v SET
    (made, attended, missed, cancelled, last_made, last_attended, last_missed, last_cancelled, last_booked) =
    (SELECT count(*), count(*) FILTER (WHERE a.status = 'attended'), count(*) FILTER (WHERE a.status = 'no_show'),
       count(*) FILTER (WHERE a.status = 'cancelled'), max(a.booked_at),
       max(a.starts_at) FILTER (WHERE a.status = 'attended'), max(a.starts_at) FILTER (WHERE a.status = 'no_show'),
       max(a.starts_at) FILTER (WHERE a.status = 'cancelled'), max(a.starts_at) FILTER (WHERE a.status = 'booked')
     FROM canonical.appointment a WHERE a.practice_id = v.practice_id AND a.contact_id = v.contact_id)
  FROM unnest(practices, contacts) AS concerned(p, c) WHERE v.practice_id = p AND v.contact_id = c;
  DELETE FROM canonical.visits v USING unnest(practices, contacts) AS concerned(p, c)
  WHERE v.practice_id = p AND v.contact_id = c AND v.made = 0;
END $$;
CREATE FUNCTION canonical.changed_visits() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM canonical.recount_visits(array_agg(practice_id), array_agg(contact_id))
  FROM (SELECT practice_id, contact_id FROM old_rows UNION SELECT practice_id, contact_id FROM new_rows) HAVING count(*) > 0;
  RETURN NULL;
END $$;
CREATE FUNCTION canonical.gone_visits() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM canonical.recount_visits(array_agg(practice_id), array_agg(contact_id))
  FROM (SELECT DISTINCT practice_id, contact_id FROM old_rows) HAVING count(*) > 0;
  RETURN NULL;
END $$;
CREATE FUNCTION canonical.emptied_visits() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  TRUNCATE canonical.visits;
  RETURN NULL;
END $$;
CREATE TRIGGER visits_added AFTER INSERT ON canonical.appointment REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION canonical.add_visits();
CREATE TRIGGER visits_changed AFTER UPDATE ON canonical.appointment REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION canonical.changed_visits();
CREATE TRIGGER visits_gone AFTER DELETE ON canonical.appointment REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION canonical.gone_visits();
CREATE TRIGGER visits_emptied AFTER TRUNCATE ON canonical.appointment
  FOR EACH STATEMENT EXECUTE FUNCTION canonical.emptied_visits();

CREATE TABLE canonical.opportunity (
  practice_id uuid NOT NULL,
  opportunity_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  stack text NOT NULL,                          -- the pipeline's source_channel: standard, emergency, implants …
  stage text NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('open', 'won', 'lost', 'deferred', 'withdrawn', 'won_future_potential')),
  treatment text NOT NULL DEFAULT '',
  value numeric(10, 2) NOT NULL DEFAULT 0,
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  deferred_until date,
  PRIMARY KEY (practice_id, opportunity_id)
);
CREATE INDEX opportunity_contact ON canonical.opportunity (practice_id, contact_id);

CREATE TABLE canonical.proposal (
  practice_id uuid NOT NULL,
  proposal_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  status text NOT NULL CHECK (status IN ('created', 'accepted', 'declined', 'stalled')),
  treatment text NOT NULL DEFAULT '',
  value numeric(10, 2) NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  status_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, proposal_id)
);
CREATE INDEX proposal_contact ON canonical.proposal (practice_id, contact_id);

CREATE TABLE canonical.engagement (
  practice_id uuid NOT NULL,
  engagement_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('messaged', 'opened', 'clicked', 'replied')),
  channel text NOT NULL,
  campaign_id uuid,
  at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, engagement_id)
);
CREATE INDEX engagement_contact ON canonical.engagement (practice_id, contact_id, kind, at);
CREATE INDEX engagement_counted ON canonical.engagement (practice_id, kind, at, contact_id);

CREATE TABLE canonical.loyalty (
  practice_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  tier text NOT NULL,
  points integer NOT NULL,
  joined_on date NOT NULL,
  PRIMARY KEY (practice_id, contact_id)
);

CREATE TABLE canonical.care_plan (
  practice_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  plan text NOT NULL,
  status text NOT NULL CHECK (status IN ('eligible', 'active', 'lapsed')),
  started_on date,
  PRIMARY KEY (practice_id, contact_id)
);

CREATE VIEW canonical.household WITH (security_invoker = true) AS
  SELECT practice_id, household_id, count(*) AS people
  FROM canonical.contact WHERE household_id IS NOT NULL GROUP BY 1, 2;

DO $$
DECLARE t text;
BEGIN
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'canonical' LOOP
    EXECUTE format('ALTER TABLE canonical.%I OWNER TO cm_platform', t);
    EXECUTE format('ALTER TABLE canonical.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE canonical.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE canonical.%I ALTER COLUMN practice_id SET STATISTICS 0', t);  -- as in cm
    EXECUTE format('CREATE POLICY tenant ON canonical.%I TO cm_platform, cm_app, cm_hub USING (practice_id = (SELECT current_setting(''cm.practice_id'')::uuid))', t);
  END LOOP;
END $$;
ALTER VIEW canonical.household OWNER TO cm_platform;
GRANT SELECT ON ALL TABLES IN SCHEMA canonical TO cm_app, cm_hub, CURRENT_USER;
CREATE POLICY finder ON canonical.practice FOR SELECT TO CURRENT_USER USING (true);

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

-- What audiences ask most, a narrow row for everyone something is known of, so that a whole history need not be
-- read (docs/decisions/0023). Nobody writes here but the triggers below, in the transaction of the record itself.
-- Appointments: how many of each status and the latest start; `made` and `last_made` are of all bookings, whatever
-- became of them. Engagement: the latest five of each kind, newest first. Consent to marketing by channel: true
-- while given, false once withdrawn, null when never asked.
CREATE TABLE canonical.standing (
  practice_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  last_made timestamptz,
  last_attended timestamptz,
  last_missed timestamptz,
  last_cancelled timestamptz,
  last_booked timestamptz,
  made integer NOT NULL DEFAULT 0,
  attended integer NOT NULL DEFAULT 0,
  missed integer NOT NULL DEFAULT 0,
  cancelled integer NOT NULL DEFAULT 0,
  in_app boolean,
  email boolean,
  sms boolean,
  whatsapp boolean,
  messaged timestamptz[],
  opened timestamptz[],
  clicked timestamptz[],
  replied timestamptz[],
  PRIMARY KEY (practice_id, contact_id)
) WITH (fillfactor = 80);                       -- a changed row stays on its page

CREATE FUNCTION canonical.latest_five(held timestamptz[], more timestamptz[]) RETURNS timestamptz[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT at FROM unnest(held || more) AS at ORDER BY at DESC LIMIT 5);

-- What is new is added on top: whoever adds for the same person at the same time waits for the row.
CREATE FUNCTION canonical.add_appointments() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO canonical.standing AS s (practice_id, contact_id, made, attended, missed, cancelled,
    last_made, last_attended, last_missed, last_cancelled, last_booked)
  SELECT practice_id, contact_id, count(*), count(*) FILTER (WHERE status = 'attended'),
    count(*) FILTER (WHERE status = 'no_show'), count(*) FILTER (WHERE status = 'cancelled'), max(booked_at),
    max(starts_at) FILTER (WHERE status = 'attended'), max(starts_at) FILTER (WHERE status = 'no_show'),
    max(starts_at) FILTER (WHERE status = 'cancelled'), max(starts_at) FILTER (WHERE status = 'booked')
  FROM new_rows GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (practice_id, contact_id) DO UPDATE SET
    made = s.made + excluded.made, attended = s.attended + excluded.attended, missed = s.missed + excluded.missed,
    cancelled = s.cancelled + excluded.cancelled, last_made = greatest(s.last_made, excluded.last_made),
    last_attended = greatest(s.last_attended, excluded.last_attended),
    last_missed = greatest(s.last_missed, excluded.last_missed),
    last_cancelled = greatest(s.last_cancelled, excluded.last_cancelled),
    last_booked = greatest(s.last_booked, excluded.last_booked);
  RETURN NULL;
END $$;
CREATE FUNCTION canonical.add_engagement() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO canonical.standing AS s (practice_id, contact_id, messaged, opened, clicked, replied)
  SELECT practice_id, contact_id, (array_agg(at ORDER BY at DESC) FILTER (WHERE kind = 'messaged'))[:5],
    (array_agg(at ORDER BY at DESC) FILTER (WHERE kind = 'opened'))[:5],
    (array_agg(at ORDER BY at DESC) FILTER (WHERE kind = 'clicked'))[:5],
    (array_agg(at ORDER BY at DESC) FILTER (WHERE kind = 'replied'))[:5]
  FROM new_rows GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (practice_id, contact_id) DO UPDATE SET
    messaged = CASE WHEN excluded.messaged IS NULL THEN s.messaged ELSE canonical.latest_five(s.messaged, excluded.messaged) END,
    opened = CASE WHEN excluded.opened IS NULL THEN s.opened ELSE canonical.latest_five(s.opened, excluded.opened) END,
    clicked = CASE WHEN excluded.clicked IS NULL THEN s.clicked ELSE canonical.latest_five(s.clicked, excluded.clicked) END,
    replied = CASE WHEN excluded.replied IS NULL THEN s.replied ELSE canonical.latest_five(s.replied, excluded.replied) END;
  RETURN NULL;
END $$;
CREATE FUNCTION canonical.add_consent() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO canonical.standing AS s (practice_id, contact_id, in_app, email, sms, whatsapp)
  SELECT practice_id, contact_id, bool_or(state = 'granted') FILTER (WHERE channel = 'in_app'),
    bool_or(state = 'granted') FILTER (WHERE channel = 'email'), bool_or(state = 'granted') FILTER (WHERE channel = 'sms'),
    bool_or(state = 'granted') FILTER (WHERE channel = 'whatsapp')
  FROM new_rows WHERE purpose = 'marketing' GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (practice_id, contact_id) DO UPDATE SET
    in_app = coalesce(excluded.in_app, s.in_app), email = coalesce(excluded.email, s.email),
    sms = coalesce(excluded.sms, s.sms), whatsapp = coalesce(excluded.whatsapp, s.whatsapp);
  RETURN NULL;
END $$;

-- What is changed or gone is added up anew: first the rows of those concerned are locked, then, in a statement of
-- its own that sees what the lock waited for, their records are read. A person of whom nothing is left keeps a row
-- that says so.
CREATE FUNCTION canonical.add_up(practices uuid[], contacts uuid[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO canonical.standing AS s (practice_id, contact_id)
  SELECT p, c FROM unnest(practices, contacts) AS concerned(p, c) ORDER BY 1, 2
  ON CONFLICT (practice_id, contact_id) DO UPDATE SET made = s.made;
  UPDATE canonical.standing s SET
    (made, attended, missed, cancelled, last_made, last_attended, last_missed, last_cancelled, last_booked) =
    (SELECT count(*), count(*) FILTER (WHERE a.status = 'attended'), count(*) FILTER (WHERE a.status = 'no_show'),
       count(*) FILTER (WHERE a.status = 'cancelled'), max(a.booked_at),
       max(a.starts_at) FILTER (WHERE a.status = 'attended'), max(a.starts_at) FILTER (WHERE a.status = 'no_show'),
       max(a.starts_at) FILTER (WHERE a.status = 'cancelled'), max(a.starts_at) FILTER (WHERE a.status = 'booked')
     FROM canonical.appointment a WHERE a.practice_id = s.practice_id AND a.contact_id = s.contact_id),
    (messaged, opened, clicked, replied) =
    (SELECT (array_agg(e.at ORDER BY e.at DESC) FILTER (WHERE e.kind = 'messaged'))[:5],
       (array_agg(e.at ORDER BY e.at DESC) FILTER (WHERE e.kind = 'opened'))[:5],
       (array_agg(e.at ORDER BY e.at DESC) FILTER (WHERE e.kind = 'clicked'))[:5],
       (array_agg(e.at ORDER BY e.at DESC) FILTER (WHERE e.kind = 'replied'))[:5]
     FROM canonical.engagement e WHERE e.practice_id = s.practice_id AND e.contact_id = s.contact_id),
    (in_app, email, sms, whatsapp) =
    (SELECT bool_or(k.state = 'granted') FILTER (WHERE k.channel = 'in_app'), bool_or(k.state = 'granted') FILTER (WHERE k.channel = 'email'),
       bool_or(k.state = 'granted') FILTER (WHERE k.channel = 'sms'), bool_or(k.state = 'granted') FILTER (WHERE k.channel = 'whatsapp')
     FROM canonical.consent k WHERE k.practice_id = s.practice_id AND k.contact_id = s.contact_id AND k.purpose = 'marketing')
  FROM unnest(practices, contacts) AS concerned(p, c) WHERE s.practice_id = p AND s.contact_id = c;
END $$;
CREATE FUNCTION canonical.add_up_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM canonical.add_up(array_agg(practice_id), array_agg(contact_id))
  FROM (SELECT practice_id, contact_id FROM old_rows UNION SELECT practice_id, contact_id FROM new_rows) HAVING count(*) > 0;
  RETURN NULL;
END $$;
CREATE FUNCTION canonical.add_up_gone() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM canonical.add_up(array_agg(practice_id), array_agg(contact_id))
  FROM (SELECT DISTINCT practice_id, contact_id FROM old_rows) HAVING count(*) > 0;
  RETURN NULL;
END $$;
CREATE FUNCTION canonical.add_up_all() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  PERFORM canonical.add_up(array_agg(practice_id), array_agg(contact_id)) FROM canonical.standing HAVING count(*) > 0;
  RETURN NULL;
END $$;
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['appointment', 'engagement', 'consent'] LOOP
    EXECUTE format('CREATE TRIGGER standing_added AFTER INSERT ON canonical.%I REFERENCING NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION canonical.%I()', t, CASE t WHEN 'appointment' THEN 'add_appointments' ELSE 'add_' || t END);
    EXECUTE format('CREATE TRIGGER standing_changed AFTER UPDATE ON canonical.%I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION canonical.add_up_changed()', t);
    EXECUTE format('CREATE TRIGGER standing_gone AFTER DELETE ON canonical.%I REFERENCING OLD TABLE AS old_rows
      FOR EACH STATEMENT EXECUTE FUNCTION canonical.add_up_gone()', t);
    EXECUTE format('CREATE TRIGGER standing_emptied AFTER TRUNCATE ON canonical.%I
      FOR EACH STATEMENT EXECUTE FUNCTION canonical.add_up_all()', t);
  END LOOP;
END $$;

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

-- The bundled Communication Hub (D3): owns delivery, nothing else.
CREATE SCHEMA hub;
GRANT USAGE ON SCHEMA hub TO cm_hub;

CREATE TABLE hub.message (
  practice_id uuid NOT NULL,
  dispatch_id uuid NOT NULL,
  idempotency_key text NOT NULL,
  campaign_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  channels text[] NOT NULL,
  channel text,
  content_ref text NOT NULL,
  variant text NOT NULL,
  topic text NOT NULL,
  purpose text NOT NULL DEFAULT 'marketing',
  caps jsonb NOT NULL DEFAULT '{}',
  test boolean NOT NULL DEFAULT false,
  to_address text NOT NULL DEFAULT '',          -- of a test message: where to, instead of a contact
  state text NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'delivered', 'failed', 'bounced', 'cancelled')),
  due_at timestamptz NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  token text NOT NULL,                          -- unguessable: links, pixel, opt-out
  provider_id text,
  failure text,
  accepted_at timestamptz NOT NULL,
  sent_at timestamptz,                          -- when the hand-off of its batch began
  begun boolean NOT NULL DEFAULT false,         -- its own words began to go out
  opened_at timestamptz,                        -- the last opening that was reported
  language text NOT NULL DEFAULT '',            -- locale of the words that went; empty: everybody's
  rendered text NOT NULL DEFAULT '',            -- SHA-256 of the finished message
  traceparent text,                             -- of the request, passed on with every report
  PRIMARY KEY (practice_id, dispatch_id)
);
CREATE UNIQUE INDEX message_once ON hub.message (practice_id, idempotency_key);
CREATE UNIQUE INDEX message_token ON hub.message (token);
CREATE INDEX message_due ON hub.message (practice_id, due_at) WHERE state = 'queued';
CREATE INDEX message_contact ON hub.message (practice_id, contact_id, sent_at);
CREATE INDEX message_sending ON hub.message (practice_id, sent_at) WHERE state = 'sending';

CREATE TABLE hub.cancelled (                    -- a cancellation that came before its request
  practice_id uuid NOT NULL,
  dispatch_id uuid NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, dispatch_id)
);

CREATE TABLE hub.link (
  practice_id uuid NOT NULL,
  dispatch_id uuid NOT NULL,
  link_no integer NOT NULL,
  url text NOT NULL,
  PRIMARY KEY (practice_id, dispatch_id, link_no)
);

CREATE TABLE hub.content (
  practice_id uuid NOT NULL,
  content_ref text NOT NULL,
  words bytea NOT NULL,                         -- sealed: by channel, and the same by locale
  received_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, content_ref)
);

CREATE TABLE hub.inbox (
  practice_id uuid NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  received_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, source, event_id)
);

CREATE TABLE hub.in_app_message (
  practice_id uuid NOT NULL,
  dispatch_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  subject text NOT NULL,
  body text NOT NULL,
  at timestamptz NOT NULL,
  read_at timestamptz,
  PRIMARY KEY (practice_id, dispatch_id)
);

CREATE TABLE hub.closed (
  practice_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  channel text NOT NULL,                        -- a channel, or all
  topic text NOT NULL,                          -- a topic, or all
  reason text NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, contact_id, channel, topic)
);

CREATE TABLE hub.rate (                         -- hand-offs a minute; `all` counts every channel
  practice_id uuid NOT NULL,
  channel text NOT NULL,
  minute timestamptz NOT NULL,
  used integer NOT NULL,
  PRIMARY KEY (practice_id, channel, minute)
);

CREATE TABLE hub.simulated (                    -- demo only: openings and clicks still to come
  practice_id uuid NOT NULL,
  dispatch_id uuid NOT NULL,
  what text NOT NULL,                           -- opened, or clicked
  due_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, dispatch_id, what)
);
CREATE INDEX simulated_due ON hub.simulated (practice_id, due_at);

CREATE TABLE hub.outbox (LIKE cm.outbox INCLUDING ALL);

CREATE FUNCTION hub.find_token(what text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS 'SELECT practice_id FROM hub.message WHERE token = what';
CREATE FUNCTION hub.practice_ids() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS 'SELECT practice_id FROM canonical.practice ORDER BY practice_id';
DO $$
DECLARE t text;
BEGIN
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'hub' LOOP
    EXECUTE format('ALTER TABLE hub.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE hub.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON hub.%I TO cm_hub USING (practice_id = (SELECT current_setting(''cm.practice_id'')::uuid))', t);
  END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA hub TO cm_hub;
CREATE POLICY finder ON hub.message FOR SELECT TO CURRENT_USER USING (true);

-- Campaign Manager's own tables. Contact references only: no name, address, phone, email or birth date (D2).
CREATE SCHEMA cm;
GRANT USAGE ON SCHEMA cm TO cm_app;

-- Practices and people -----------------------------------------------------------------------------
CREATE TABLE cm.practice (
  practice_id uuid PRIMARY KEY,
  label text NOT NULL,
  timezone text NOT NULL,
  settings jsonb NOT NULL DEFAULT '{}',         -- services.access.contracts.PracticeSettings
  kill_switch_at timestamptz,
  kill_switch_by uuid,
  kill_switch_reason text,
  created_at timestamptz NOT NULL
);
CREATE TABLE cm.platform_control (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  kill_switch_at timestamptz,
  kill_switch_by text,
  kill_switch_reason text
);
INSERT INTO cm.platform_control DEFAULT VALUES;

CREATE TABLE cm.holiday (
  practice_id uuid NOT NULL,
  day date NOT NULL,
  label text NOT NULL DEFAULT '',
  source text NOT NULL DEFAULT 'own' CHECK (source IN ('own', 'public')),
  working boolean NOT NULL DEFAULT false,       -- a public holiday on which the practice is open
  PRIMARY KEY (practice_id, day)
);
COMMENT ON TABLE cm.holiday IS 'Days on which the practice is closed: public holidays of its region, and its own (D23).';

CREATE TABLE cm.person (
  practice_id uuid NOT NULL,
  person_id uuid NOT NULL,
  login text NOT NULL,
  display_name text NOT NULL,
  password_hash text NOT NULL,
  totp_secret bytea,                            -- sealed
  totp_last_step bigint,                        -- the last code used, so that none works twice
  roles text[] NOT NULL DEFAULT '{}',
  active boolean NOT NULL DEFAULT true,
  failed_count integer NOT NULL DEFAULT 0,
  locked_until timestamptz,
  preferences jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, person_id)
);
CREATE UNIQUE INDEX person_login ON cm.person (lower(login));

CREATE TABLE cm.role (                          -- a practice's own roles, and built-in ones it changed
  practice_id uuid NOT NULL,
  role_key text NOT NULL,                       -- what cm.person.roles names
  label text NOT NULL CHECK (label <> ''),
  description text NOT NULL DEFAULT '',
  permissions text[] NOT NULL,                  -- services.kit.actor.Permission
  retired_at timestamptz,                       -- gives nothing and cannot be given from then on
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, role_key)
);
CREATE UNIQUE INDEX role_label ON cm.role (practice_id, lower(label)) WHERE retired_at IS NULL;

CREATE TABLE cm.session (
  practice_id uuid NOT NULL,
  session_hash bytea NOT NULL,                  -- sha256 of the cookie's token
  person_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  stepped_up_at timestamptz,
  device text NOT NULL DEFAULT '',              -- `Firefox on Windows`, so that people know their own
  outside boolean NOT NULL DEFAULT false,       -- opened by an OpenID provider
  PRIMARY KEY (practice_id, session_hash)
);

CREATE TABLE cm.identity (                      -- who somebody is at an OpenID provider
  practice_id uuid NOT NULL,
  issuer text NOT NULL,
  subject text NOT NULL,
  person_id uuid NOT NULL,
  linked_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, issuer, subject)
);
CREATE UNIQUE INDEX identity_once ON cm.identity (issuer, subject);

CREATE TABLE cm.invitation (                    -- may sign in through the provider, once, and becomes a person
  practice_id uuid NOT NULL,
  who_hash bytea NOT NULL,                    -- keyed: the address itself is nowhere
  roles text[] NOT NULL,
  invited_by text NOT NULL,
  invited_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (practice_id, who_hash)
);

CREATE TABLE cm.api_key (
  practice_id uuid NOT NULL,
  api_key_id uuid NOT NULL,
  label text NOT NULL,
  key_hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  last_used_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (practice_id, api_key_id)
);
CREATE UNIQUE INDEX api_key_hash ON cm.api_key (key_hash);

-- Answers to requests with an Idempotency-Key, sealed, for a day (services.kit.answers).
CREATE TABLE cm.api_answer (
  practice_id uuid NOT NULL,
  key_hash bytea NOT NULL,
  request_hash bytea NOT NULL,
  status smallint,
  answer bytea,
  made_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, key_hash)
);
CREATE INDEX api_answer_old ON cm.api_answer (practice_id, made_at);

-- Campaigns ----------------------------------------------------------------------------------------
CREATE TABLE cm.campaign (
  practice_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  name text NOT NULL CHECK (name <> ''),
  campaign_type text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('one_off', 'scheduled', 'recurring', 'event', 'dynamic', 'transactional')),
  state text NOT NULL CHECK (state IN ('draft', 'scheduled', 'active', 'paused', 'completed', 'cancelled')),
  objective text NOT NULL DEFAULT 'booking',
  is_journey boolean NOT NULL DEFAULT true,
  ai_generated boolean NOT NULL DEFAULT false,
  template_key text,
  external_key text,
  tags text[] NOT NULL DEFAULT '{}',
  draft bytea,                                  -- sealed Journey JSON being edited
  draft_revision integer NOT NULL DEFAULT 0,    -- optimistic lock of the draft
  draft_hash text NOT NULL DEFAULT '',
  draft_editors uuid[] NOT NULL DEFAULT '{}',   -- who edited since the active version: none of them may approve (D9)
  active_version_id uuid,
  scheduled_at timestamptz,
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  activated_at timestamptz,
  resumed_at timestamptz,                       -- the last time it went on after a pause
  completed_at timestamptz,
  emptied_at timestamptz,                       -- ended, and nobody is left in it
  PRIMARY KEY (practice_id, campaign_id)
);
CREATE UNIQUE INDEX campaign_external_key ON cm.campaign (practice_id, external_key) WHERE external_key IS NOT NULL;
CREATE INDEX campaign_state ON cm.campaign (practice_id, state, created_at);
CREATE INDEX campaign_to_empty ON cm.campaign (practice_id) WHERE state IN ('cancelled', 'completed') AND emptied_at IS NULL;

CREATE TABLE cm.campaign_version (
  practice_id uuid NOT NULL,
  version_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  number integer NOT NULL,
  content_hash text NOT NULL,
  definition bytea NOT NULL,                    -- sealed Journey JSON
  editors uuid[] NOT NULL,
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, version_id),
  UNIQUE (practice_id, campaign_id, number)
);

CREATE TABLE cm.approval (
  practice_id uuid NOT NULL,
  approval_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  version_id uuid NOT NULL,
  content_hash text NOT NULL,
  state text NOT NULL CHECK (state IN ('requested', 'approved', 'sent_back', 'revoked', 'used')),
  activate_at timestamptz,                      -- null: at once, when approved
  audience_count bigint,
  note text NOT NULL DEFAULT '',
  requested_by uuid NOT NULL,
  requested_at timestamptz NOT NULL,
  decided_by uuid,
  decided_at timestamptz,
  decision_note text NOT NULL DEFAULT '',
  exemption boolean NOT NULL DEFAULT false,
  impact jsonb NOT NULL DEFAULT '[]',           -- what becomes of people inside: services.campaigns.impact (D8)
  valid_until timestamptz,                      -- approved for a time: the campaign is paused then
  reminded_at timestamptz,                      -- when approvers were reminded of it, once
  PRIMARY KEY (practice_id, approval_id)
);
CREATE UNIQUE INDEX approval_open ON cm.approval (practice_id, campaign_id) WHERE state = 'requested';
CREATE INDEX approval_campaign ON cm.approval (practice_id, campaign_id, requested_at);

CREATE TABLE cm.approval_comment (
  practice_id uuid NOT NULL,
  comment_id uuid NOT NULL,
  approval_id uuid NOT NULL,
  person_id uuid NOT NULL,
  at timestamptz NOT NULL,
  words text NOT NULL CHECK (words <> ''),
  PRIMARY KEY (practice_id, comment_id)
);
CREATE INDEX approval_comment_thread ON cm.approval_comment (practice_id, approval_id, comment_id);

CREATE TABLE cm.version_move (
  practice_id uuid NOT NULL,
  from_version uuid NOT NULL,
  step_id text NOT NULL,
  campaign_id uuid NOT NULL,
  choice text NOT NULL CHECK (choice IN ('move', 'exit')),
  to_version uuid NOT NULL,
  to_step text CHECK ((choice = 'move') = (to_step IS NOT NULL)),
  people bigint NOT NULL DEFAULT 0,             -- taken along so far
  asked_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, from_version, step_id)
);
COMMENT ON TABLE cm.version_move IS 'People who still stand in an older version and are to be moved or let go (D8): while its row is here, nobody at that step is claimed.';

CREATE TABLE cm.content_template (
  practice_id uuid NOT NULL,
  template_id uuid NOT NULL,
  campaign_id uuid,                             -- null: global
  name text NOT NULL,
  channel text NOT NULL,
  locale text NOT NULL DEFAULT '',
  version integer NOT NULL DEFAULT 1,
  active boolean NOT NULL DEFAULT true,
  content bytea NOT NULL,                       -- sealed
  required_variables text[] NOT NULL DEFAULT '{}',
  optional_variables text[] NOT NULL DEFAULT '{}',
  times_used bigint NOT NULL DEFAULT 0,
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, template_id)
);
CREATE UNIQUE INDEX content_template_name ON cm.content_template
  (practice_id, coalesce(campaign_id, '00000000-0000-0000-0000-000000000000'), lower(name));

CREATE TABLE cm.template_version (              -- every saved state of a template; never changed
  practice_id uuid NOT NULL,
  template_id uuid NOT NULL,
  version integer NOT NULL,
  name text NOT NULL,
  content bytea NOT NULL,                       -- sealed
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  restored integer,                             -- the version it was brought back from
  PRIMARY KEY (practice_id, template_id, version)
);

CREATE TABLE cm.test_send (                     -- test messages to the team's own addresses (CNT-5)
  practice_id uuid NOT NULL,
  test_id uuid NOT NULL,                        -- the Hub's dispatch_id
  campaign_id uuid NOT NULL,
  step_id text NOT NULL,
  variant text NOT NULL,
  channel text NOT NULL,
  language text NOT NULL,
  content_ref text NOT NULL,
  sent_to text NOT NULL,                        -- masked; the address itself is not kept here
  state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'accepted', 'sent', 'delivered', 'failed', 'bounced')),
  reason text NOT NULL DEFAULT '',
  asked_by uuid NOT NULL,
  asked_at timestamptz NOT NULL,
  state_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, test_id)
);
CREATE INDEX test_send_asked ON cm.test_send (practice_id, asked_at);

CREATE TABLE cm.segment (
  practice_id uuid NOT NULL,
  segment_id uuid NOT NULL,
  name text NOT NULL,
  description text NOT NULL DEFAULT '',
  rule bytea NOT NULL,                          -- sealed services.contracts.segment.Audience
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  archived_at timestamptz,
  PRIMARY KEY (practice_id, segment_id)
);
CREATE UNIQUE INDEX segment_name ON cm.segment (practice_id, lower(name)) WHERE archived_at IS NULL;

CREATE TABLE cm.segment_size (
  practice_id uuid NOT NULL,
  segment_id uuid NOT NULL,
  counted_at timestamptz NOT NULL,
  size bigint NOT NULL,
  PRIMARY KEY (practice_id, segment_id, counted_at)
);

-- The engine -----------------------------------------------------------------------------------------
CREATE TABLE cm.subject (
  practice_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  pseudonym uuid,                               -- stands for the contact in the audit; destroyed on erasure (D27)
  erased_at timestamptz,
  first_seen_at timestamptz NOT NULL,
  lane smallint NOT NULL,                       -- of the household: one at a time decides about all in it
  merged_into uuid,                             -- the record that lives on; events for this one count for it
  merged_at timestamptz,
  PRIMARY KEY (practice_id, contact_id),
  CHECK ((pseudonym IS NULL) = (erased_at IS NOT NULL))
);
CREATE INDEX subject_merged ON cm.subject (practice_id, merged_into) WHERE merged_into IS NOT NULL;
COMMENT ON TABLE cm.subject IS 'One row a contact we ever touched: the lock that suppression and enrolment share (house rule 5).';

CREATE TABLE cm.execution (
  practice_id uuid NOT NULL,
  execution_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  version_id uuid NOT NULL,
  number integer NOT NULL,
  started_at timestamptz NOT NULL,
  audience_size bigint NOT NULL DEFAULT 0,
  enrolled bigint NOT NULL DEFAULT 0,
  refused bigint NOT NULL DEFAULT 0,
  ended_at timestamptz,
  outcome text CHECK (outcome IN ('delivered', 'partial', 'failed', 'empty', 'stopped')),
  cursor_contact uuid,                          -- bulk enrolment resumes after this contact
  enrolled_all boolean NOT NULL DEFAULT false,
  scanned_at timestamptz,                       -- when the audience was last read to its end
  planned_at timestamptz,                       -- the firing of a repeating schedule that opened it
  missed integer NOT NULL DEFAULT 0,            -- earlier firings that passed unserved, made good by this one
  requested bigint NOT NULL DEFAULT 0,          -- messages counted at the last look, and what became of them
  delivered bigint NOT NULL DEFAULT 0,
  failed bigint NOT NULL DEFAULT 0,
  recount_at timestamptz,                       -- ended, and the Hub has news: count again then
  PRIMARY KEY (practice_id, execution_id),
  UNIQUE (practice_id, campaign_id, number)
);
CREATE UNIQUE INDEX execution_firing ON cm.execution (practice_id, campaign_id, planned_at) WHERE planned_at IS NOT NULL;
CREATE INDEX execution_open ON cm.execution (practice_id) WHERE ended_at IS NULL;
CREATE INDEX execution_recount ON cm.execution (practice_id, recount_at) WHERE recount_at IS NOT NULL;

CREATE TABLE cm.audience_snapshot (
  practice_id uuid NOT NULL,
  snapshot_id uuid NOT NULL,
  execution_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  taken_at timestamptz NOT NULL,
  size bigint NOT NULL,
  members bytea NOT NULL,                       -- sealed, compressed contact references
  PRIMARY KEY (practice_id, taken_at, snapshot_id)
) PARTITION BY RANGE (taken_at);

CREATE TABLE cm.enrolment (
  practice_id uuid NOT NULL,
  enrolment_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  version_id uuid NOT NULL,
  execution_id uuid,
  contact_id uuid NOT NULL,
  pseudonym uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('live', 'held', 'completed', 'exited')),
  entry_no integer NOT NULL DEFAULT 1,          -- how many times this person entered this campaign
  step_id text,                                 -- where the hold or the end found them; null while live: see cm.work
  move_no integer,                              -- moves made until then; null while live
  held_reason text,
  held_due_at timestamptz,                      -- when the next step was due as the hold began
  held_signal text,                             -- the awaited event, when it came before or during the hold
  enrolled_at timestamptz NOT NULL,
  moved_at timestamptz NOT NULL,
  ended_at timestamptz,
  exit_reason text,
  trigger_event text,
  priority integer NOT NULL DEFAULT 0,          -- of the handoff that brought them (D15)
  PRIMARY KEY (practice_id, enrolment_id),
  CONSTRAINT enrolment_one_place CHECK ((state = 'live') = (step_id IS NULL) AND (state = 'live') = (move_no IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX enrolment_contact ON cm.enrolment (practice_id, contact_id);
CREATE INDEX enrolment_campaign ON cm.enrolment (practice_id, campaign_id, state);
CREATE UNIQUE INDEX enrolment_entry ON cm.enrolment (practice_id, campaign_id, contact_id, entry_no);

CREATE TABLE cm.work (
  practice_id uuid NOT NULL,
  enrolment_id uuid NOT NULL,
  version_id uuid NOT NULL,
  step_id text NOT NULL,
  due_at timestamptz NOT NULL,
  contact_id uuid NOT NULL,
  move_no integer NOT NULL,                     -- moves made; with the id, the idempotency key (ENG-2)
  signal text,                                  -- event that arrived while waiting for it
  enrolled_at timestamptz NOT NULL,             -- this and the next two are the enrolment's and the subject's:
  pseudonym uuid NOT NULL,                      -- a move reads and writes this table alone
  lane smallint NOT NULL,
  trace text                                    -- traceparent of the event that let them in (services.kit.tracing)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
-- Not a unique key: that would be compared with every dead row that somebody may still see, at each move
-- (docs/decisions/0024). That an enrolment has one row is seen to by the trigger work_once.
CREATE INDEX work_enrolment ON cm.work (practice_id, enrolment_id);
CREATE INDEX work_due ON cm.work (practice_id, version_id, step_id, lane, due_at);
COMMENT ON TABLE cm.work IS 'Where each live enrolment is, and what it does next, and when. Held and ended enrolments have no row here.';

CREATE VIEW cm.whereabouts WITH (security_invoker = true) AS
  SELECT e.practice_id, e.enrolment_id, e.campaign_id, e.version_id, e.contact_id, e.entry_no, e.state,
    coalesce(w.step_id, e.step_id) AS step_id, coalesce(w.move_no, e.move_no) AS move_no, w.due_at,
    e.held_reason, e.exit_reason, e.enrolled_at, e.ended_at
  FROM cm.enrolment e LEFT JOIN cm.work w ON w.practice_id = e.practice_id AND w.enrolment_id = e.enrolment_id;
COMMENT ON VIEW cm.whereabouts IS 'Where everybody is or was last: of the living cm.work knows, of the others cm.enrolment.';

CREATE TABLE cm.turn (
  practice_id uuid PRIMARY KEY,
  turn bigint NOT NULL                          -- when the engine served this practice last, counted in turns
);
CREATE SEQUENCE cm.turn_no;
GRANT USAGE ON SEQUENCE cm.turn_no TO cm_app;

CREATE TABLE cm.paced (
  practice_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  at timestamptz NOT NULL,
  paced_id uuid NOT NULL,
  step_id text NOT NULL,                        -- whose rate it counts against; empty: the whole campaign's
  used integer NOT NULL,
  PRIMARY KEY (practice_id, campaign_id, at, paced_id)
);
COMMENT ON TABLE cm.paced IS 'Messages requested by campaigns and steps with a declared rate, one row a batch, for as long as the rate looks back (ENG-4).';
CREATE TABLE cm.paced_until (
  practice_id uuid NOT NULL,
  version_id uuid NOT NULL,
  step_id text NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (practice_id, version_id, step_id)
);
COMMENT ON TABLE cm.paced_until IS 'Message steps that have used up their own or their campaign''s rate: their people stay due, nobody looks before then.';

CREATE TABLE cm.hub_asked (
  practice_id uuid PRIMARY KEY,
  until timestamptz NOT NULL,                   -- the Hub was asked about everything whose time to ask had come by then
  watch_until timestamptz NOT NULL              -- the last request's last age to ask at
);

CREATE TABLE cm.transition (
  practice_id uuid NOT NULL,
  enrolment_id uuid NOT NULL,
  move_no integer NOT NULL,
  at timestamptz NOT NULL,
  step_id text NOT NULL,
  port text NOT NULL,
  detail text,
  PRIMARY KEY (practice_id, at, enrolment_id, move_no)
) PARTITION BY RANGE (at);
CREATE INDEX transition_enrolment ON cm.transition (practice_id, enrolment_id);

CREATE TABLE cm.dispatch (
  practice_id uuid NOT NULL,
  dispatch_id uuid NOT NULL,
  enrolled_at timestamptz NOT NULL,             -- partition key: with the three below it keeps a send unique
  enrolment_id uuid NOT NULL,
  move_no integer NOT NULL,
  campaign_id uuid NOT NULL,
  version_id uuid NOT NULL,
  step_id text NOT NULL,
  contact_id uuid NOT NULL,
  channels text[] NOT NULL,
  topic text NOT NULL,
  variant text NOT NULL,
  content_ref text NOT NULL,
  requested_at timestamptz NOT NULL,
  status text NOT NULL DEFAULT 'requested',     -- requested accepted sent delivered failed bounced cancelled
  channel text,
  status_at timestamptz NOT NULL,
  sent_at timestamptz,
  delivered_at timestamptz,
  opened_at timestamptz,
  clicked_at timestamptz,
  replied_at timestamptz,
  failure text,
  PRIMARY KEY (practice_id, enrolled_at, enrolment_id, move_no)
) PARTITION BY RANGE (enrolled_at);
CREATE INDEX dispatch_id ON cm.dispatch (practice_id, dispatch_id);
CREATE INDEX dispatch_requested ON cm.dispatch USING brin (requested_at);
COMMENT ON TABLE cm.dispatch IS 'One row a request to the Hub. The key is the enrolment and its move: a second send of the same step of the same entry cannot be stored (ENG-2).';

CREATE TABLE cm.refusal (
  practice_id uuid NOT NULL,
  refusal_id uuid NOT NULL,
  at timestamptz NOT NULL,
  contact_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  version_id uuid NOT NULL,
  step_id text NOT NULL,
  enrolment_id uuid,
  move_no integer,
  reason text NOT NULL,
  inputs jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (practice_id, at, refusal_id)
) PARTITION BY RANGE (at);
CREATE INDEX refusal_contact ON cm.refusal (practice_id, contact_id, at);
CREATE INDEX refusal_campaign ON cm.refusal (practice_id, campaign_id, reason);

CREATE TABLE cm.message_event (
  practice_id uuid NOT NULL,
  at timestamptz NOT NULL,
  message_event_id uuid NOT NULL,
  dispatch_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  what text NOT NULL,
  channel text,
  detail text NOT NULL DEFAULT '',
  language text NOT NULL DEFAULT '',            -- of what was sent (CNT-6); empty: the words for everybody
  rendered text NOT NULL DEFAULT '',            -- SHA-256 of the finished message that was sent
  PRIMARY KEY (practice_id, at, message_event_id)
) PARTITION BY RANGE (at);
CREATE INDEX message_event_contact ON cm.message_event (practice_id, contact_id, at);

CREATE TABLE cm.metric (
  practice_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  version_id uuid NOT NULL,
  step_id text NOT NULL,
  variant text NOT NULL DEFAULT '',
  channel text NOT NULL DEFAULT '',
  day date NOT NULL,
  name text NOT NULL,                           -- entered requested refused sent delivered opened clicked …
  value bigint NOT NULL,
  PRIMARY KEY (practice_id, campaign_id, version_id, step_id, variant, channel, day, name)
) WITH (fillfactor = 70);

CREATE INDEX metric_day ON cm.metric (practice_id, day, campaign_id);

CREATE TABLE cm.metric_told (
  practice_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  name text NOT NULL,
  value bigint NOT NULL,
  told_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, campaign_id, name)
) WITH (fillfactor = 70);
COMMENT ON TABLE cm.metric_told IS 'What campaign.metric.updated last said of each number.';

CREATE TABLE cm.conversion (
  practice_id uuid NOT NULL,
  conversion_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  enrolment_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  dispatch_id uuid,
  what text NOT NULL,                           -- booking opportunity revenue
  event_ref text NOT NULL,
  value numeric(12, 2) NOT NULL DEFAULT 0,
  at timestamptz NOT NULL,
  touches integer NOT NULL DEFAULT 1,           -- messages of this enrolment inside the window, before it
  first_touch_at timestamptz,
  last_touch_at timestamptz,
  PRIMARY KEY (practice_id, conversion_id)
);
CREATE INDEX conversion_event ON cm.conversion (practice_id, contact_id, event_ref);
CREATE UNIQUE INDEX conversion_once ON cm.conversion (practice_id, enrolment_id, event_ref);
CREATE INDEX conversion_campaign ON cm.conversion (practice_id, campaign_id);

-- Follow-ups -----------------------------------------------------------------------------------------
CREATE TABLE cm.followup (
  practice_id uuid NOT NULL,
  followup_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'failed', 'cancelled')),
  due_at timestamptz NOT NULL,
  channels text[] NOT NULL CHECK (cardinality(channels) > 0),
  content_ref text NOT NULL,
  content bytea NOT NULL,                       -- sealed words, as they were planned
  template_id uuid,
  why text NOT NULL DEFAULT '',
  external_key text,
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  ended_at timestamptz,
  ended_by text,
  reason text,                                  -- services.gates.reasons.Reason of a refusal or cancellation
  note text NOT NULL DEFAULT '',                -- what staff said when they cancelled
  dispatch_id uuid,
  PRIMARY KEY (practice_id, followup_id),
  CHECK ((state = 'pending') = (ended_at IS NULL)),
  CHECK ((state = 'sent') = (dispatch_id IS NOT NULL)),
  CHECK (state <> 'failed' OR reason IS NOT NULL)
);
CREATE UNIQUE INDEX followup_external_key ON cm.followup (practice_id, external_key) WHERE external_key IS NOT NULL;
CREATE INDEX followup_due ON cm.followup (practice_id, due_at) WHERE state = 'pending';
CREATE INDEX followup_contact ON cm.followup (practice_id, contact_id, due_at);
COMMENT ON TABLE cm.followup IS 'One message to one person, planned by staff or the API (003). What is due is a query over it.';

-- Proof runs -----------------------------------------------------------------------------------------
CREATE TABLE cm.proof (
  practice_id uuid NOT NULL,
  proof_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'running', 'done', 'failed')),
  asked_by uuid NOT NULL,
  asked_ref text NOT NULL,
  asked_at timestamptz NOT NULL,
  beat_at timestamptz,                          -- when the run last said that it is alive
  ended_at timestamptz,
  progress text NOT NULL DEFAULT '',
  content_hash text NOT NULL DEFAULT '',
  summary jsonb NOT NULL DEFAULT '{}',
  manifest_sha256 text NOT NULL DEFAULT '',
  failure text NOT NULL DEFAULT '',
  files bytea,                                  -- sealed zip of the artefacts
  PRIMARY KEY (practice_id, proof_id)
);
CREATE INDEX proof_campaign ON cm.proof (practice_id, campaign_id, asked_at);
CREATE UNIQUE INDEX proof_open ON cm.proof (practice_id, campaign_id) WHERE state IN ('asked', 'running');

-- Suppression ----------------------------------------------------------------------------------------
CREATE TABLE cm.suppression (
  practice_id uuid NOT NULL,
  suppression_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  reason text NOT NULL,                         -- services.gates.reasons.Reason
  scope text NOT NULL CHECK (scope IN ('all', 'channel', 'topic', 'types', 'campaign', 'goal')),
  channel text,
  topic text,
  campaign_types text[],
  campaign_id uuid,
  goal text,
  record_ref text,                              -- the pipeline record, recall journey, handoff … it belongs to
  event_id text,
  event_at timestamptz,                         -- when the event says it happened: an older event cannot lift it
  note text NOT NULL DEFAULT '',
  applied_by text NOT NULL,
  applied_at timestamptz NOT NULL,
  expires_at timestamptz,
  lifted_at timestamptz,
  lifted_by text,
  lift_reason text,
  PRIMARY KEY (practice_id, suppression_id)
);
CREATE INDEX suppression_live ON cm.suppression (practice_id, contact_id) WHERE lifted_at IS NULL;
CREATE UNIQUE INDEX suppression_once ON cm.suppression
  (practice_id, contact_id, reason, scope, coalesce(channel, ''), coalesce(topic, ''), coalesce(record_ref, ''),
   coalesce(campaign_id, '00000000-0000-0000-0000-000000000000')) WHERE lifted_at IS NULL;
CREATE INDEX suppression_expiry ON cm.suppression (practice_id, expires_at) WHERE lifted_at IS NULL AND expires_at IS NOT NULL;

CREATE TABLE cm.blocked_destination (
  practice_id uuid NOT NULL,
  hash bytea NOT NULL,                          -- sha256 of the practice's key, the kind and the normalised value
  kind text NOT NULL CHECK (kind IN ('address', 'domain', 'identity')),
  reason text NOT NULL,                         -- services.suppression.block_reading.BLOCK_REASONS
  contact_id uuid,                              -- somebody it belonged to when it was added, to show it masked
  added_by text NOT NULL,
  added_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, hash)
);
CREATE INDEX blocked_destination_recent ON cm.blocked_destination (practice_id, added_at, hash);
COMMENT ON TABLE cm.blocked_destination IS 'Where nobody may be written to. Keyed hashes only: the list cannot be read back.';

CREATE TABLE cm.platform_block (                -- the same for every practice; hashed under the platform's own key
  hash bytea PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('address', 'domain', 'identity')),
  reason text NOT NULL,
  added_by text NOT NULL,
  added_at timestamptz NOT NULL
);

CREATE TABLE cm.block_import (
  practice_id uuid NOT NULL,
  import_id uuid NOT NULL,
  at timestamptz NOT NULL,
  by text NOT NULL,
  row_count integer NOT NULL,
  added integer NOT NULL,
  known integer NOT NULL,
  problems jsonb NOT NULL DEFAULT '[]',         -- row numbers and sentences, never what stood there
  PRIMARY KEY (practice_id, import_id)
);

-- Events in and out --------------------------------------------------------------------------------------
CREATE TABLE cm.inbound_event (
  practice_id uuid NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  contact_id uuid,
  occurred_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  outcome text NOT NULL,                        -- handled unknown late ignored
  data jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (practice_id, source, event_id)
);
CREATE INDEX inbound_event_recent ON cm.inbound_event (practice_id, received_at);
CREATE INDEX inbound_event_contact ON cm.inbound_event (practice_id, contact_id, received_at) WHERE contact_id IS NOT NULL;

CREATE INDEX inbound_event_unknown ON cm.inbound_event (practice_id, received_at) WHERE outcome = 'unknown';

CREATE TABLE cm.notice (
  practice_id uuid NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  contact_id uuid NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, source, event_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX notice_contact ON cm.notice (practice_id, contact_id);
COMMENT ON TABLE cm.notice IS 'Events that came in and have not been taken in: until then nobody decides about the person.';

CREATE TABLE cm.event_rate (
  practice_id uuid NOT NULL,
  minute timestamptz NOT NULL,
  type text NOT NULL,
  times bigint NOT NULL,
  lag_seconds double precision NOT NULL,        -- of all of them together
  worst_seconds double precision NOT NULL,
  last_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, minute, type)
);
COMMENT ON TABLE cm.event_rate IS 'cm.inbound_event by minute, so that the Integrations page does not count a day of events.';

CREATE TABLE cm.care_plan_standing (
  practice_id uuid NOT NULL,
  contact_id uuid NOT NULL,
  held_off boolean NOT NULL DEFAULT false,      -- told to leave this person out of care plan enrolment
  reason text NOT NULL DEFAULT '',
  until timestamptz,
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, contact_id)
);
COMMENT ON TABLE cm.care_plan_standing IS 'What Care Plan Subscriptions was last told about a person (000 §4.5).';

CREATE TABLE cm.outbox (
  practice_id uuid NOT NULL,
  outbox_id uuid NOT NULL,                      -- of a request: the dispatch's own id, by which it is taken back
  type text NOT NULL,
  contact_id uuid,
  dispatch_id uuid,
  occurred_at timestamptz NOT NULL,
  traceparent text,
  data json NOT NULL,                           -- written once, read once: never taken apart
  PRIMARY KEY (practice_id, outbox_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Webhooks out (EVT-6) ------------------------------------------------------------------------------------
CREATE TABLE cm.webhook_endpoint (
  practice_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  label text NOT NULL,
  url text NOT NULL,
  event_types text[] NOT NULL,
  state text NOT NULL CHECK (state IN ('on', 'off', 'stopped')),
  secret bytea NOT NULL,                        -- sealed
  old_secret bytea,                             -- sealed; signs too until old_secret_until
  old_secret_until timestamptz,
  failures integer NOT NULL DEFAULT 0,          -- rounds in a row in which everything failed
  failing_since timestamptz,
  quiet_until timestamptz,                      -- left alone until then
  last_success_at timestamptz,
  stopped_why text NOT NULL DEFAULT '',
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (practice_id, endpoint_id)
);

CREATE TABLE cm.webhook_delivery (
  practice_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  event_id uuid NOT NULL,                       -- the webhook-id: the same however often it is sent
  type text NOT NULL,
  contact_id uuid,
  status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'delivered', 'failed')),
  attempts integer NOT NULL DEFAULT 0,
  queued_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,                  -- of the next attempt; while one is under way, the end of its lease
  tried_at timestamptz,
  delivered_at timestamptz,
  code integer,
  problem text NOT NULL DEFAULT '',
  body bytea NOT NULL,                          -- the envelope, exactly the bytes that are signed
  PRIMARY KEY (practice_id, endpoint_id, event_id)
);
CREATE INDEX webhook_delivery_due ON cm.webhook_delivery (practice_id, endpoint_id, due_at) WHERE status = 'waiting';
CREATE INDEX webhook_delivery_order ON cm.webhook_delivery (practice_id, endpoint_id, contact_id, event_id) WHERE status = 'waiting';
CREATE INDEX webhook_delivery_failed ON cm.webhook_delivery (practice_id, endpoint_id) WHERE status = 'failed';
CREATE INDEX webhook_delivery_age ON cm.webhook_delivery (practice_id, queued_at);

-- Timed work ----------------------------------------------------------------------------------------------
CREATE TABLE cm.tick (
  job text NOT NULL,
  tick_at timestamptz NOT NULL,
  PRIMARY KEY (job, tick_at)
);

CREATE TABLE cm.leak_scan (
  practice_id uuid PRIMARY KEY,
  at_table text NOT NULL,                       -- where the search for contact data goes on; empty: at the first
  after bytea,                                  -- sealed key of the row read last
  names_after uuid,                             -- the contact whose name was looked for last
  rounds integer NOT NULL,                      -- how often everything has been read
  began_at timestamptz NOT NULL,                -- the round under way
  looked_at timestamptz NOT NULL                -- when the invariants were asked last
);

-- Audit -----------------------------------------------------------------------------------------------------
CREATE TABLE cm.audit (
  practice_id uuid NOT NULL,
  at timestamptz NOT NULL,
  audit_id uuid NOT NULL,
  batch_id uuid NOT NULL,
  seq integer NOT NULL,
  tag text NOT NULL,                            -- services.audit.tags.AuditTag
  actor text NOT NULL,                          -- person:<id>, engine, hub, platform, api:<id>, system
  campaign_id uuid,
  enrolment_id uuid,
  pseudonym uuid,                               -- stands for the contact
  reason text NOT NULL DEFAULT '',
  detail text NOT NULL DEFAULT '{}',            -- JSON, exactly these bytes are hashed
  leaf bytea NOT NULL,
  PRIMARY KEY (practice_id, at, batch_id, seq)
) PARTITION BY RANGE (at);
CREATE INDEX audit_campaign ON cm.audit (practice_id, campaign_id, at);
CREATE INDEX audit_pseudonym ON cm.audit (practice_id, pseudonym, at) WHERE pseudonym IS NOT NULL;
CREATE INDEX audit_actor ON cm.audit (practice_id, actor, at) WHERE actor NOT IN ('engine', 'intake');
CREATE INDEX audit_tag ON cm.audit (practice_id, tag, at) WHERE tag NOT IN ('enrolment.entered', 'enrolment.refused',
  'enrolment.exited', 'enrolment.completed', 'step.requested', 'step.refused', 'event.consumed');  -- services.audit.tags: BY_THE_MILLION

CREATE TABLE cm.audit_batch (
  practice_id uuid NOT NULL,
  batch_id uuid NOT NULL,
  at timestamptz NOT NULL,
  rows integer NOT NULL,
  digest bytea NOT NULL,                        -- sha256 over the rows' leaves in order
  seal_no bigint,                               -- given once, by the sealer, in commit order
  seal bytea,                                   -- sha256(previous seal, batch id, rows, digest)
  PRIMARY KEY (practice_id, batch_id)
);
CREATE UNIQUE INDEX audit_batch_seal ON cm.audit_batch (practice_id, seal_no) WHERE seal_no IS NOT NULL;
CREATE INDEX audit_batch_open ON cm.audit_batch (practice_id, batch_id) WHERE seal_no IS NULL;

-- sha256 over fields joined by U+001F; the stand-alone verifier repeats this line in Python.
-- Of many rows written at once the first two fields are the same: statements make them once.
CREATE FUNCTION cm.audit_head(practice_id uuid, at timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN practice_id::text || U&'\001F' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

CREATE FUNCTION cm.audit_leaf(
  head text, audit_id uuid, tag text, actor text, campaign_id uuid,
  enrolment_id uuid, pseudonym uuid, reason text, detail text
) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE RETURN sha256(convert_to(concat_ws(U&'\001F',
  head, audit_id, tag, actor, coalesce(campaign_id::text, ''), coalesce(enrolment_id::text, ''),
  coalesce(pseudonym::text, ''), reason, detail), 'UTF8'));

CREATE FUNCTION cm.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE FUNCTION cm.refuse_reseal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.seal_no IS NOT NULL
     OR (OLD.practice_id, OLD.batch_id, OLD.at, OLD.rows, OLD.digest)
        IS DISTINCT FROM (NEW.practice_id, NEW.batch_id, NEW.at, NEW.rows, NEW.digest) THEN
    RAISE EXCEPTION 'a sealed batch never changes' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON cm.audit FOR EACH ROW EXECUTE FUNCTION cm.refuse_change();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON cm.audit FOR EACH STATEMENT EXECUTE FUNCTION cm.refuse_change();
CREATE TRIGGER audit_batch_sealed_once BEFORE UPDATE OR DELETE ON cm.audit_batch FOR EACH ROW EXECUTE FUNCTION cm.refuse_reseal();
-- What never changes is sealed under keys that do (D28). The one update these tables allow puts the same words
-- under another key: nothing but the sealed column, of the same length (as AES-GCM makes it of the same words), and
-- its key's id another. Whether the words are the same only the application can tell, which has the keys;
-- content_hash beside them cannot be changed with them.
CREATE FUNCTION cm.refuse_but_reseal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE was bytea; becomes bytea;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    EXECUTE format('SELECT ($1).%1$I, ($2).%1$I', TG_ARGV[0]) INTO was, becomes USING OLD, NEW;
    IF to_jsonb(OLD) - TG_ARGV[0] = to_jsonb(NEW) - TG_ARGV[0] AND octet_length(was) = octet_length(becomes)
       AND substring(was FROM 1 FOR 1) = substring(becomes FROM 1 FOR 1)
       AND substring(was FROM 2 FOR 4) <> substring(becomes FROM 2 FOR 4) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
-- cm.work has no unique key to say that an enrolment has one row. Whoever adds one holds its row of cm.enrolment,
-- which nobody else can have made or made live at the same time.
CREATE FUNCTION cm.work_once() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog SET enable_seqscan = off AS $$
DECLARE twice uuid;
BEGIN
  SELECT n.enrolment_id INTO twice FROM new_rows n WHERE 1 < (SELECT count(*) FROM cm.work w
    WHERE w.practice_id = n.practice_id AND w.enrolment_id = n.enrolment_id) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'enrolment % has a next step already', twice USING ERRCODE = 'unique_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER work_once AFTER INSERT ON cm.work REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION cm.work_once();
CREATE TRIGGER version_immutable BEFORE UPDATE OR DELETE ON cm.campaign_version
  FOR EACH ROW EXECUTE FUNCTION cm.refuse_but_reseal('definition');
CREATE TRIGGER template_version_immutable BEFORE UPDATE ON cm.template_version
  FOR EACH ROW EXECUTE FUNCTION cm.refuse_but_reseal('content');

-- Functions the statements share --------------------------------------------------------------------------
-- Sticky share of people for an experiment, 0..9999 (D24). `salt` is keyed by the application.
-- STABLE, though it never changes: convert_to() is, and a function that claims more than its parts is called
-- for every person instead of being written into the statement.
CREATE FUNCTION cm.bucket(salt text, contact_id uuid) RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE
RETURN ((substring(sha256(convert_to(salt || contact_id::text, 'UTF8')) FROM 1 FOR 4)::integer >> 4) & 268435455) % 10000;

-- What happened to a person until a moment: how often since another, and when the latest was. `what` is a status of
-- appointments, `made` for all of them by when they were made, or a kind of engagement. Audiences ask of the few of
-- whom something lies after the moment, and take the others' from canonical.standing (services.audience.kept). Not
-- LANGUAGE sql: inlined, it would be read for everybody, and by one process.
CREATE FUNCTION cm.times_until(of_practice uuid, of_contact uuid, what text, since timestamptz, moment timestamptz)
RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 AS $$
BEGIN
  RETURN (SELECT count(*) FROM canonical.appointment a WHERE a.practice_id = of_practice AND a.contact_id = of_contact
          AND CASE what WHEN 'made' THEN a.booked_at BETWEEN since AND moment
                        ELSE a.status = what AND a.starts_at BETWEEN since AND moment END)
       + (SELECT count(*) FROM canonical.engagement e WHERE e.practice_id = of_practice AND e.contact_id = of_contact
          AND e.kind = what AND e.at BETWEEN since AND moment);
END $$;
CREATE FUNCTION cm.latest_until(of_practice uuid, of_contact uuid, what text, moment timestamptz)
RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 AS $$
BEGIN
  RETURN greatest(
    (SELECT max(a.booked_at) FROM canonical.appointment a WHERE what = 'made'
     AND a.practice_id = of_practice AND a.contact_id = of_contact AND a.booked_at <= moment),
    (SELECT max(a.starts_at) FROM canonical.appointment a
     WHERE a.practice_id = of_practice AND a.contact_id = of_contact AND a.status = what AND a.starts_at <= moment),
    (SELECT max(e.at) FROM canonical.engagement e
     WHERE e.practice_id = of_practice AND e.contact_id = of_contact AND e.kind = what AND e.at <= moment));
END $$;

-- The nth id of a batch whose first 96 bits are `base`'s, a UUIDv7 (RFC 9562 §6.2, a counter in its last bits):
-- ids of a batch are in the order of n. Drawing a random number for each of thousands takes four times as long.
CREATE FUNCTION cm.nth_id(base uuid, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN encode(substring(uuid_send(base) FROM 1 FOR 12) || int4send(n::integer), 'hex')::uuid;

-- Which of the sixteen lanes a household (or a person without one) is in: services.engine.claim. The first 44
-- bits of a UUIDv7 are its sixteen milliseconds: who came together is stored together, and stays in one lane.
CREATE FUNCTION cm.lane(id uuid) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (get_byte(uuid_send(id), 5) >> 4)::smallint;

-- First moment at or after `from_at` inside a local window; `days` 1=Mon … 7=Sun (D23, ENG-4).
CREATE FUNCTION cm.next_window(practice uuid, from_at timestamptz, zone text, start_t time, end_t time, days integer[], skip_holidays boolean)
RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT greatest(from_at, (d + start_t) AT TIME ZONE zone)
  FROM (SELECT ((from_at AT TIME ZONE zone)::date + n) AS d FROM generate_series(0, 30) n) s
  WHERE extract(isodow FROM d)::integer = ANY (days)
    AND ((d + CASE WHEN end_t > start_t THEN end_t ELSE time '24:00' END) AT TIME ZONE zone) > from_at
    AND NOT (skip_holidays AND EXISTS (SELECT 1 FROM cm.holiday h WHERE h.practice_id = practice AND h.day = d AND NOT h.working))
  ORDER BY d LIMIT 1
$$;

-- Practices, for the engine's fair rounds; names nothing else.
CREATE FUNCTION cm.practice_ids() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS 'SELECT practice_id FROM cm.practice ORDER BY practice_id';
-- Practices where a kind of work waits, those served longest ago first; names nothing else. One
-- question over all practices, whose answer is as long as the work, however many practices there are.
CREATE FUNCTION cm.practices_with(what text, now_at timestamptz) RETURNS TABLE (practice_id uuid, turn bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
#variable_conflict use_column
BEGIN
  CASE what
  WHEN 'engine' THEN RETURN QUERY
    SELECT p.practice_id, t.turn FROM cm.practice p LEFT JOIN cm.turn t ON t.practice_id = p.practice_id
    WHERE EXISTS (SELECT 1 FROM cm.campaign c WHERE c.practice_id = p.practice_id
        AND c.state IN ('cancelled', 'completed') AND c.emptied_at IS NULL)
      OR EXISTS (SELECT 1 FROM cm.version_move m WHERE m.practice_id = p.practice_id)
      OR p.kill_switch_at IS NULL AND NOT EXISTS (SELECT 1 FROM cm.platform_control k WHERE k.kill_switch_at IS NOT NULL)
      AND (EXISTS (
          WITH RECURSIVE s AS (
            (SELECT w.version_id, w.step_id FROM cm.work w WHERE w.practice_id = p.practice_id
             ORDER BY w.version_id DESC, w.step_id DESC LIMIT 1)
            UNION ALL
            SELECT n.version_id, n.step_id FROM s CROSS JOIN LATERAL (
              SELECT w.version_id, w.step_id FROM cm.work w
              WHERE w.practice_id = p.practice_id AND (w.version_id, w.step_id) < (s.version_id, s.step_id)
              ORDER BY w.version_id DESC, w.step_id DESC LIMIT 1) n
          )
          SELECT 1 FROM s
          JOIN cm.campaign_version v ON v.practice_id = p.practice_id AND v.version_id = s.version_id
          JOIN cm.campaign c ON c.practice_id = p.practice_id AND c.campaign_id = v.campaign_id AND c.state = 'active'
          -- The latest due, not just any: where many were moved, dead rows are in front of it (services.engine.claim).
          WHERE EXISTS (SELECT 1 FROM generate_series(0, 15) l(n) CROSS JOIN LATERAL (
              SELECT w.due_at FROM cm.work w WHERE w.practice_id = p.practice_id AND w.version_id = s.version_id
                AND w.step_id = s.step_id AND w.lane = l.n AND w.due_at <= now_at ORDER BY w.due_at DESC LIMIT 1) latest)
            AND NOT EXISTS (SELECT 1 FROM cm.paced_until u WHERE u.practice_id = p.practice_id
              AND u.version_id = s.version_id AND u.step_id = s.step_id AND u.until > now_at))
        OR EXISTS (
          SELECT 1 FROM cm.execution x
          JOIN cm.campaign c ON c.practice_id = x.practice_id AND c.campaign_id = x.campaign_id AND c.state = 'active'
          WHERE x.practice_id = p.practice_id AND x.ended_at IS NULL AND x.started_at <= now_at
            AND (NOT x.enrolled_all OR CASE WHEN c.kind = 'dynamic' THEN x.scanned_at <= now_at - interval '60 seconds'
              ELSE NOT EXISTS (SELECT 1 FROM cm.enrolment e WHERE e.practice_id = p.practice_id
                AND e.campaign_id = x.campaign_id AND e.state IN ('live', 'held') AND e.execution_id = x.execution_id) END)))
    ORDER BY t.turn NULLS FIRST, p.practice_id;
  WHEN 'relay' THEN RETURN QUERY
    WITH RECURSIVE o AS (
      (SELECT b.practice_id FROM cm.outbox b ORDER BY b.practice_id LIMIT 1)
      UNION ALL
      SELECT n.practice_id FROM o CROSS JOIN LATERAL (
        SELECT b.practice_id FROM cm.outbox b WHERE b.practice_id > o.practice_id ORDER BY b.practice_id LIMIT 1) n
    ) SELECT o.practice_id, NULL::bigint FROM o;
  WHEN 'activate' THEN RETURN QUERY
    SELECT DISTINCT c.practice_id, NULL::bigint FROM cm.campaign c WHERE c.state = 'scheduled' AND c.scheduled_at <= now_at;
  WHEN 'approvals' THEN RETURN QUERY          -- services.campaigns.approval_terms: REMIND and RUN_OUT
    SELECT p.practice_id, NULL::bigint FROM cm.practice p
    WHERE EXISTS (SELECT 1 FROM cm.approval a WHERE a.practice_id = p.practice_id AND a.state = 'requested' AND a.reminded_at IS NULL
        AND a.requested_at <= now_at - make_interval(hours => coalesce((p.settings->>'approval_reminder_hours')::integer, 24)))
      OR EXISTS (SELECT 1 FROM cm.approval a JOIN cm.campaign c ON c.practice_id = a.practice_id AND c.campaign_id = a.campaign_id
        WHERE a.practice_id = p.practice_id AND a.state = 'used' AND a.valid_until <= now_at AND c.state = 'active');
  WHEN 'recurring' THEN RETURN QUERY
    SELECT DISTINCT c.practice_id, NULL::bigint FROM cm.campaign c WHERE c.state = 'active' AND c.kind = 'recurring';
  WHEN 'expire' THEN RETURN QUERY
    SELECT DISTINCT s.practice_id, NULL::bigint FROM cm.suppression s WHERE s.lifted_at IS NULL AND s.expires_at <= now_at;
  WHEN 'seal' THEN RETURN QUERY
    SELECT p.practice_id, NULL::bigint FROM cm.practice p
    WHERE EXISTS (SELECT 1 FROM cm.audit_batch b WHERE b.practice_id = p.practice_id AND b.seal_no IS NULL);
  WHEN 'ask' THEN RETURN QUERY
    SELECT a.practice_id, NULL::bigint FROM cm.hub_asked a WHERE a.until < least(now_at, a.watch_until);
  WHEN 'recount' THEN RETURN QUERY
    SELECT DISTINCT x.practice_id, NULL::bigint FROM cm.execution x WHERE x.recount_at <= now_at;
  WHEN 'followups' THEN RETURN QUERY
    SELECT p.practice_id, NULL::bigint FROM cm.practice p
    WHERE EXISTS (SELECT 1 FROM cm.followup f WHERE f.practice_id = p.practice_id AND f.state = 'pending' AND f.due_at <= now_at);
  WHEN 'offers' THEN RETURN QUERY             -- services.engine.offers: SILENCE and GIVEN_UP
    SELECT DISTINCT d.practice_id, NULL::bigint FROM cm.dispatch d
    WHERE d.status = 'requested' AND d.status_at < now_at - interval '10 minutes'
      AND d.requested_at > now_at - interval '2 days' AND d.requested_at < now_at - interval '10 minutes';
  WHEN 'care_plans' THEN RETURN QUERY         -- whoever Care Plan Subscriptions was ever told about
    SELECT p.practice_id, NULL::bigint FROM cm.practice p
    WHERE EXISTS (SELECT 1 FROM cm.care_plan_standing t WHERE t.practice_id = p.practice_id);
  WHEN 'segments' THEN RETURN QUERY           -- services.engine.ticks: MEASURED_FOR
    SELECT DISTINCT s.practice_id, NULL::bigint FROM cm.segment s
    WHERE s.archived_at IS NULL AND NOT EXISTS (SELECT 1 FROM cm.segment_size z WHERE z.practice_id = s.practice_id
      AND z.segment_id = s.segment_id AND z.counted_at > now_at - interval '23 hours');
  WHEN 'invariants' THEN RETURN QUERY         -- something was written in the last two days, or nobody looked for one
    SELECT p.practice_id, NULL::bigint FROM cm.practice p
    LEFT JOIN cm.leak_scan l ON l.practice_id = p.practice_id
    WHERE l.looked_at IS NULL OR l.looked_at < now_at - interval '1 day' OR (SELECT b.at FROM cm.audit_batch b
      WHERE b.practice_id = p.practice_id ORDER BY b.batch_id DESC LIMIT 1) > now_at - interval '2 days';
  WHEN 'proofs' THEN RETURN QUERY             -- services.proofs.service: STALE
    SELECT DISTINCT f.practice_id, NULL::bigint FROM cm.proof f
    WHERE f.state = 'asked' OR f.state = 'running' AND f.beat_at < now_at - interval '5 minutes';
  WHEN 'metric_feed' THEN RETURN QUERY        -- services.insights.publishing: LOOK_BACK
    SELECT p.practice_id, NULL::bigint FROM cm.practice p
    WHERE EXISTS (SELECT 1 FROM cm.metric m WHERE m.practice_id = p.practice_id
      AND m.day >= ((now_at - interval '1 day') AT TIME ZONE 'UTC')::date);
  WHEN 'deliveries' THEN RETURN QUERY
    SELECT DISTINCT e.practice_id, NULL::bigint FROM cm.webhook_endpoint e
    WHERE e.state = 'on' AND EXISTS (SELECT 1 FROM cm.webhook_delivery d WHERE d.practice_id = e.practice_id
      AND d.endpoint_id = e.endpoint_id AND d.status = 'waiting' AND d.due_at <= now_at);
  END CASE;
END $$;
-- Sign-in happens before the practice is known: these two find it, and nothing more.
CREATE FUNCTION cm.find_login(who text, OUT practice_id uuid, OUT person_id uuid) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS 'SELECT practice_id, person_id FROM cm.person WHERE lower(login) = lower(who)';
CREATE FUNCTION cm.find_session(hash bytea) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS 'SELECT practice_id FROM cm.session WHERE session_hash = hash';
CREATE FUNCTION cm.find_api_key(hash bytea) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS 'SELECT practice_id FROM cm.api_key WHERE key_hash = hash AND revoked_at IS NULL';

-- Whoever a provider names: linked already, else invited, else of a domain that exactly one practice lets in.
CREATE FUNCTION cm.find_outsider(iss text, sub text, hash bytea, domain text, OUT practice_id uuid, OUT person_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT f.practice_id, f.person_id FROM (
    SELECT 1 AS turn, i.practice_id, i.person_id FROM cm.identity i WHERE i.issuer = iss AND i.subject = sub
    UNION ALL
    SELECT 2, max(v.practice_id::text)::uuid, NULL FROM cm.invitation v WHERE v.who_hash = hash AND v.used_at IS NULL
    HAVING count(*) = 1
    UNION ALL
    SELECT 3, max(p.practice_id::text)::uuid, NULL FROM cm.practice p
    WHERE domain <> '' AND p.settings -> 'outside' -> 'domains' ? domain HAVING count(*) = 1
  ) f ORDER BY f.turn LIMIT 1 $$;

-- The quick half of services.intake.notice_board: everything in one round trip, because that is what it must
-- be quick at. The locks are those of a suppression (services.suppression.queries), in its order and never waited
-- for. Every statement has a snapshot of its own, so the insert sees what the locks waited for. Returns whom it
-- left out: people whose work somebody holds, who are not known yet, or who live on as another record.
CREATE FUNCTION cm.put_up_notices(practice uuid, news json, at timestamptz) RETURNS TABLE (source text, event_id text)
LANGUAGE plpgsql SET enable_seqscan = off SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
  sources text[]; events text[]; contacts uuid[]; had uuid[];
BEGIN
  PERFORM set_config('cm.practice_id', practice::text, true);
  PERFORM set_config('synchronous_commit', 'off', true);  -- services.intake.notices waits for the disk, later
  SELECT array_agg(t.source), array_agg(t.event_id), array_agg(t.contact) INTO sources, events, contacts
  FROM json_to_recordset(news) AS t(source text, event_id text, contact uuid)
  WHERE NOT EXISTS (SELECT 1 FROM cm.inbound_event i
    WHERE i.practice_id = practice AND i.source = t.source AND i.event_id = t.event_id);
  IF contacts IS NULL THEN RETURN; END IF;
  SELECT array_agg(l.contact_id) INTO had FROM (
    SELECT s.contact_id FROM cm.subject s
    WHERE s.practice_id = practice AND s.contact_id = ANY (contacts) AND s.merged_into IS NULL
    ORDER BY s.contact_id FOR UPDATE SKIP LOCKED) l;
  WITH there AS MATERIALIZED (
    SELECT e.contact_id, e.enrolment_id FROM cm.enrolment e
    JOIN cm.work w ON w.practice_id = practice AND w.enrolment_id = e.enrolment_id
    WHERE e.practice_id = practice AND e.contact_id = ANY (had)
  ), free AS MATERIALIZED (
    SELECT w.enrolment_id FROM cm.work w WHERE w.practice_id = practice
      AND w.enrolment_id = ANY (ARRAY(SELECT enrolment_id FROM there)) FOR UPDATE SKIP LOCKED
  )
  SELECT array_agg(h) INTO had FROM unnest(had) h
  WHERE h NOT IN (SELECT contact_id FROM there WHERE enrolment_id NOT IN (SELECT enrolment_id FROM free));
  INSERT INTO cm.notice (practice_id, source, event_id, contact_id, at)
  SELECT practice, t.source, t.event_id, t.contact, at
  FROM unnest(sources, events, contacts) AS t(source, event_id, contact)
  WHERE t.contact = ANY (had) AND NOT EXISTS (SELECT 1 FROM cm.inbound_event i
    WHERE i.practice_id = practice AND i.source = t.source AND i.event_id = t.event_id)
  ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT t.source, t.event_id FROM unnest(sources, events, contacts) AS t(source, event_id, contact)
    WHERE t.contact <> ALL (coalesce(had, ARRAY[]::uuid[]));
END $$;

-- Monthly partitions; called by the migration and by the daily tick.
-- Which practices there are is remembered nowhere, only how many: any of them is expected to hold its share of a
-- table (docs/decisions/0018). Told anew when the number has changed by half.
CREATE FUNCTION cm.note_practices() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE t record; practices real;
BEGIN
  SELECT greatest(count(*), 1) INTO practices FROM cm.practice;
  FOR t IN SELECT n.nspname, c.relname, c.relkind = 'p' AS parted FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'practice_id' AND a.attstattarget = 0
           LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = 'practice_id'
             AND s.inherited = (c.relkind = 'p')
           WHERE n.nspname IN ('cm', 'canonical') AND c.relkind IN ('r', 'p')
             AND coalesce(s.n_distinct, 0) NOT BETWEEN practices / 1.5 AND practices * 1.5 LOOP
    PERFORM pg_restore_attribute_stats('schemaname', t.nspname::text, 'relname', t.relname::text, 'attname', 'practice_id'::text,
      'inherited', t.parted, 'null_frac', 0::real, 'avg_width', 16, 'n_distinct', practices);
  END LOOP;
END $$;
-- A table that was empty when it was analysed is taken for empty until the next time, and every index of it for as
-- good as another: the first thousands of a month would be looked up by the wrong one, and plans are kept. A table
-- that was never analysed is expected to hold something.
CREATE FUNCTION cm.forget_emptiness() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE t record;
BEGIN
  FOR t IN SELECT n.nspname::text AS schema, c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname IN ('cm', 'canonical') AND c.relkind = 'r' AND c.reltuples = 0 LOOP
    PERFORM pg_clear_relation_stats(t.schema, t.name);
  END LOOP;
END $$;
CREATE FUNCTION cm.ensure_partitions(from_day date, months integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE t text; m date; n integer;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('cm.ensure_partitions', 0));  -- two at once would make one twice
  FOREACH t IN ARRAY ARRAY['audience_snapshot', 'transition', 'dispatch', 'refusal', 'message_event', 'audit'] LOOP
    FOR n IN 0 .. months - 1 LOOP
      m := (date_trunc('month', from_day) + make_interval(months => n))::date;
      IF to_regclass(format('cm.%I', t || '_' || to_char(m, 'YYYYMM'))) IS NULL THEN
        EXECUTE format('CREATE TABLE cm.%I PARTITION OF cm.%I FOR VALUES FROM (%L) TO (%L)',
          t || '_' || to_char(m, 'YYYYMM'), t, m::text || ' 00:00+00', (m + interval '1 month')::date::text || ' 00:00+00');
        EXECUTE format('ALTER TABLE cm.%I ALTER COLUMN practice_id SET STATISTICS 0', t || '_' || to_char(m, 'YYYYMM'));
      END IF;
    END LOOP;
  END LOOP;
  PERFORM cm.note_practices();
  PERFORM cm.forget_emptiness();
END $$;

-- Retention (D26): a month goes when all of it is older than the longest any practice keeps it. Months of the
-- tables named only, and never one that is not over; called by services.privacy.retention, which audits first.
CREATE FUNCTION cm.months(of_table text, before timestamptz) RETURNS SETOF text LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent = to_regclass('cm.' || quote_ident(of_table))
    AND (to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month') AT TIME ZONE 'UTC' <= before
  ORDER BY c.relname
$$;
CREATE FUNCTION cm.drop_months(of_table text, before timestamptz) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE t text; n integer := 0;
BEGIN
  IF of_table NOT IN ('audience_snapshot', 'transition', 'dispatch', 'refusal', 'message_event', 'audit') THEN
    RAISE EXCEPTION '% is not kept by the month', of_table;
  END IF;
  SET LOCAL lock_timeout = '2s';                -- whoever is sending goes first; the next look tries again
  FOR t IN SELECT cm.months(of_table, before) LOOP
    EXECUTE format('DROP TABLE cm.%I', t);
    n := n + 1;
  END LOOP;
  RETURN n;
END $$;
CREATE FUNCTION cm.longest_kept(setting text, floor integer) RETURNS integer LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS 'SELECT greatest(floor, max(coalesce((settings->>setting)::integer, floor))) FROM cm.practice';

-- Tenants apart, grants ------------------------------------------------------------------------------------
DO $$
DECLARE t text;
BEGIN
  FOR t IN SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = 'cm' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
             AND c.relname NOT IN ('platform_control', 'platform_block', 'tick') LOOP
    EXECUTE format('ALTER TABLE cm.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE cm.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant ON cm.%I TO cm_app USING (practice_id = (SELECT current_setting(''cm.practice_id'')::uuid))', t);
    -- Nothing is remembered of which practices there are: of one that it has not seen, the planner would
    -- expect no row at all, and read a whole practice for each person it looks up (docs/decisions/0018).
    EXECUTE format('ALTER TABLE cm.%I ALTER COLUMN practice_id SET STATISTICS 0', t);
  END LOOP;
END $$;
-- The finder functions run as the owner, who is bound by row-level security like everyone (FORCE).
CREATE POLICY finder ON cm.practice FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY finder ON cm.person FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY finder ON cm.session FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY finder ON cm.identity FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY finder ON cm.invitation FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY finder ON cm.api_key FOR SELECT TO CURRENT_USER USING (true);
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['campaign', 'campaign_version', 'approval', 'version_move', 'execution', 'enrolment', 'work', 'turn', 'hub_asked', 'paced_until', 'outbox',
                           'suppression', 'audit_batch', 'followup', 'dispatch', 'care_plan_standing', 'segment', 'segment_size',
                           'leak_scan', 'proof', 'metric', 'webhook_endpoint', 'webhook_delivery'] LOOP
    EXECUTE format('CREATE POLICY finder ON cm.%I FOR SELECT TO CURRENT_USER USING (true)', t);
  END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cm TO cm_app;
REVOKE UPDATE, DELETE ON cm.audit, cm.campaign_version, cm.template_version FROM cm_app;
GRANT UPDATE (definition) ON cm.campaign_version TO cm_app;  -- under another key only: cm.refuse_but_reseal
GRANT UPDATE (content) ON cm.template_version TO cm_app;
REVOKE DELETE ON cm.audit_batch, cm.practice FROM cm_app;
REVOKE INSERT, DELETE ON cm.platform_control FROM cm_app;
REVOKE UPDATE ON cm.platform_block FROM cm_app;
SELECT cm.ensure_partitions(current_date, 3);

"""SQL of the template registry and of previews."""

TEMPLATES = """
SELECT template_id, campaign_id, name, channel, locale, version, active, content, required_variables,
       optional_variables, times_used, created_at, updated_at
FROM cm.content_template WHERE practice_id = :practice
"""

INSERT = """
INSERT INTO cm.content_template (practice_id, template_id, campaign_id, name, channel, locale, content,
  required_variables, optional_variables, created_by, created_at, updated_at)
VALUES (:practice, :template, :campaign, :name, :channel, :locale, :content, :required, :optional,
  :person, :now, :now)
ON CONFLICT DO NOTHING RETURNING template_id
"""

UPDATE = """
UPDATE cm.content_template
SET name = :name, locale = :locale, content = :content, required_variables = :required,
    optional_variables = :optional, version = version + 1, updated_at = :now
WHERE practice_id = :practice AND template_id = :template
"""

SAME_NAME = """
SELECT 1 FROM cm.content_template
WHERE practice_id = :practice AND campaign_id IS NOT DISTINCT FROM CAST(:campaign AS uuid)
  AND lower(name) = lower(:name) AND template_id <> :template
"""

KEEP = """
INSERT INTO cm.template_version (practice_id, template_id, version, name, content, created_by, created_at, restored)
VALUES (:practice, :template, :version, :name, :content, :person, :now, :restored)
"""

VERSIONS = """
SELECT v.version, v.name, v.content, v.created_by, coalesce(p.display_name, '') AS created_by_name, v.created_at, v.restored
FROM cm.template_version v LEFT JOIN cm.person p ON p.practice_id = v.practice_id AND p.person_id = v.created_by
WHERE v.practice_id = :practice AND v.template_id = :template ORDER BY v.version DESC
"""

CONTACT = """
SELECT c.first_name, c.last_name, c.timezone, c.locale,
  (SELECT min(a.starts_at) FROM canonical.appointment a
   WHERE a.practice_id = c.practice_id AND a.contact_id = c.contact_id AND a.status = 'booked'
     AND a.starts_at > :now) AS next_appointment
FROM canonical.contact c WHERE c.practice_id = :practice AND c.contact_id = :contact
"""

PRACTICE = """
SELECT name, phone, email, postal_address, booking_url FROM canonical.practice
WHERE practice_id = :practice
"""

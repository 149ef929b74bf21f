-- What a sync has found to need nothing: the fingerprint of all that this was decided from. As long
-- as it is the same, so is the decision, and the row need not be judged again.
ALTER TABLE sync_members ADD COLUMN settled BLOB CHECK (settled IS NULL OR length(settled) = 16);

-- Who withdrew, for runs that look for opt-outs still to be told: few among many.
CREATE INDEX contacts_withdrawn ON contacts (id) WHERE will = 'withdrawn';

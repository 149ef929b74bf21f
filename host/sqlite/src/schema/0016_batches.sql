-- The requests of runs stand in the ledger like every other effect: one row for each, about several contacts.
ALTER TABLE intents ADD COLUMN run_id INTEGER REFERENCES runs (id) ON DELETE CASCADE;
-- The contacts of the request, by number, as a compressed set.
ALTER TABLE intents ADD COLUMN run_contacts BLOB;
CREATE INDEX intents_of_runs ON intents (run_id) WHERE run_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX intents_armed ON intents (account_id, target) WHERE state = 'armed';

-- Whether the operator said that an import's file is to be believed where its rows state consent.
ALTER TABLE imports ADD COLUMN believes_file INTEGER NOT NULL DEFAULT 0;

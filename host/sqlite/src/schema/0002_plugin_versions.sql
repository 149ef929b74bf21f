-- The versions that an installed plugin had before the present one, so that a bad update can be
-- taken back. Each keeps the approval that it was given. The highest number is the latest.
CREATE TABLE earlier_plugins (
    plugin       TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    version      TEXT NOT NULL,
    digest       TEXT NOT NULL,
    source       TEXT NOT NULL,
    approved     TEXT NOT NULL,
    installed_at INTEGER NOT NULL,
    PRIMARY KEY (plugin, number)
) STRICT, WITHOUT ROWID;

-- Where the plugin came from to which the account gave its secrets: the source of an installed one,
-- none for one that ships with the program. What there is now was in use until now.
ALTER TABLE accounts ADD COLUMN plugin_source TEXT;
UPDATE accounts SET plugin_source = (SELECT source FROM plugins WHERE plugins.id = accounts.plugin);

-- What of a field can change: its choices, and whether lists show it and segments find by it.
-- JSON: the choices in their order.
ALTER TABLE fields ADD COLUMN choices TEXT NOT NULL DEFAULT '[]';
ALTER TABLE fields ADD COLUMN is_visible INTEGER NOT NULL DEFAULT 1;
ALTER TABLE fields ADD COLUMN is_filterable INTEGER NOT NULL DEFAULT 0;

-- What was called a number took decimals. It keeps what it means under the word for that.
UPDATE fields SET type = 'decimal' WHERE type = 'number';

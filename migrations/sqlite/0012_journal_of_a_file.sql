-- The journal that may have what this database lacks, by its name and its folder: of the process that
-- has the database to itself, until that has brought in everything.
ALTER TABLE instance ADD COLUMN journal TEXT CHECK (length(journal) BETWEEN 1 AND 64);
ALTER TABLE instance ADD COLUMN folder  TEXT;

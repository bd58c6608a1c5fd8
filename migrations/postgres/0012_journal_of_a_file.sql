-- The folder of the journal that a database which is a file was left with. Here an instance has been
-- known by its journal from the start, and another journal is another instance.
ALTER TABLE instance ADD COLUMN folder TEXT;

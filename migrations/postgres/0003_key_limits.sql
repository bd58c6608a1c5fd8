-- What a key may do, and rotation: one secret takes the place of another. Secrets that took each
-- other's place are a lineage; limits and expiry are the same in all rows of one.

ALTER TABLE api_key ADD COLUMN providers TEXT COLLATE "C";  -- a JSON array of provider ids; NULL allows every provider
ALTER TABLE api_key ADD COLUMN requests_per_minute BIGINT
    CHECK (requests_per_minute BETWEEN 1 AND 4294967295);
ALTER TABLE api_key ADD COLUMN tokens_per_minute BIGINT
    CHECK (tokens_per_minute BETWEEN 1 AND 4294967295);
ALTER TABLE api_key ADD COLUMN concurrency BIGINT CHECK (concurrency BETWEEN 1 AND 4294967295);
ALTER TABLE api_key ADD COLUMN when_spent TEXT COLLATE "C";  -- the model that answers when the budget is spent; NULL stops the key

-- The id of the first key of the lineage. Budgets, spending and limits are counted by it, so that
-- a rotation doubles none of them.
ALTER TABLE api_key ADD COLUMN lineage TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE api_key SET lineage = id;

ALTER TABLE api_key ADD COLUMN replaced_by TEXT COLLATE "C" REFERENCES api_key (id);
-- From this second on a replaced key is refused.
ALTER TABLE api_key ADD COLUMN retires_at BIGINT
    CHECK ((retires_at IS NULL) = (replaced_by IS NULL));

-- Every column matters to a key ring now.
DROP TRIGGER api_key_changed ON api_key;
CREATE TRIGGER api_key_changed AFTER UPDATE ON api_key
FOR EACH ROW EXECUTE FUNCTION keys_changed();

-- A key ring knows which keys have a budget.
CREATE TRIGGER budget_changed AFTER INSERT OR UPDATE OR DELETE ON budget
FOR EACH ROW EXECUTE FUNCTION keys_changed();

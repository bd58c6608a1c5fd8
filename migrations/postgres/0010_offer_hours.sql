-- What offers did by hour, added up over all replicas: no row says who counted. Times to the first
-- token and paces have a row for each size that was seen.
CREATE TABLE offer_hour (
    hour   BIGINT NOT NULL,
    offer  TEXT   NOT NULL,
    figure TEXT   NOT NULL CHECK (figure IN ('asked', 'answered', 'failed', 'first', 'pace')),
    bucket BIGINT NOT NULL CHECK (bucket >= 0),
    count  BIGINT NOT NULL CHECK (count > 0),
    PRIMARY KEY (hour, offer, figure, bucket)
);

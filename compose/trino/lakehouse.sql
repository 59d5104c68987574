-- Tells Trino of the lake's tables; columns come from their logs. Once each: a second time is ALREADY_EXISTS.
--   docker compose exec trino trino --file /etc/trino/lakehouse.sql
-- A table is there once it has its first commit: run this after the first ingest and the first 'features compute'.
CREATE SCHEMA IF NOT EXISTS lakehouse.cdc;
CREATE SCHEMA IF NOT EXISTS lakehouse.userdata;
CREATE SCHEMA IF NOT EXISTS lakehouse.features;

CALL lakehouse.system.register_table(schema_name => 'cdc', table_name => 'transactions', table_location => 's3://transaction-data/cdc/transactions');
CALL lakehouse.system.register_table(schema_name => 'userdata', table_name => 'customers', table_location => 's3://transaction-data-user/demographic/customers');
CALL lakehouse.system.register_table(schema_name => 'features', table_name => 'user_transactions_l1w', table_location => 's3://transaction-data/features/user_transactions_l1w');

-- The change tables hold history. These are the rows as they are now, of a source with a key and without unchanged TOAST values; 'fstore lake rows' and 'fstore features source-rows' know the rest.
CREATE OR REPLACE VIEW lakehouse.cdc.current_transactions AS
SELECT user_id, transaction_id, amount, vendor, sources, "time"
FROM (
  SELECT *, row_number() OVER (PARTITION BY __source, __key ORDER BY __lsn DESC, __part DESC) AS newest,
         max(IF(__op = 't', __lsn)) OVER (PARTITION BY __source) AS truncated
  FROM lakehouse.cdc.transactions
)
WHERE newest = 1 AND __op NOT IN ('d', 't') AND (truncated IS NULL OR __lsn > truncated);

CREATE OR REPLACE VIEW lakehouse.userdata.current_customers AS
SELECT user_id, age, gender, location, occupation, day_start
FROM (
  SELECT *, row_number() OVER (PARTITION BY __source, __key ORDER BY __lsn DESC, __part DESC) AS newest,
         max(IF(__op = 't', __lsn)) OVER (PARTITION BY __source) AS truncated
  FROM lakehouse.userdata.customers
)
WHERE newest = 1 AND __op NOT IN ('d', 't') AND (truncated IS NULL OR __lsn > truncated);

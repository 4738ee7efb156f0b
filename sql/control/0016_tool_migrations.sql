-- How many migrations of TOOLS_DIR/sql the tenant's schema has. Gatehouse's own are counted in schema_version, as ever.
ALTER TABLE tenants ADD COLUMN tools_version integer NOT NULL DEFAULT 0 CHECK (tools_version >= 0);

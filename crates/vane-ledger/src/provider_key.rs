//! Keys of providers that were given in the console instead of in a variable.
//!
//! They rest sealed under a key derived for nothing else, each bound to its provider, so that one
//! that is moved to another row does not open there. A change of them raises the revision that key rings
//! look at, by which every process learns of it (`Watch`).

use crate::error::LedgerError;
use crate::secret::Purpose;
use crate::store::{Row, Store};

impl Store {
    /// Keeps the key of a provider in place of the former.
    pub fn keep_provider_key(
        &self,
        provider: &str,
        key: &str,
        now: i64,
    ) -> Result<(), LedgerError> {
        let sealer = self.sealer(Purpose::ProviderKey)?;
        let sealed = sealer.seal(key.as_bytes(), provider.as_bytes())?;
        let sql = "INSERT INTO provider_key (provider, sealed, created_at) VALUES (?1, ?2, ?3)
            ON CONFLICT (provider) DO UPDATE
            SET sealed = excluded.sealed, created_at = excluded.created_at";
        self.write(|txn| txn.execute(sql, &[&provider, &sealed, &now]))?;
        Ok(())
    }

    /// Takes the key of a provider away. False where none is kept.
    pub fn drop_provider_key(&self, provider: &str) -> Result<bool, LedgerError> {
        let sql = "DELETE FROM provider_key WHERE provider = ?1";
        Ok(self.write(|txn| txn.execute(sql, &[&provider]))? == 1)
    }

    /// Since when which provider's key is kept.
    pub fn kept_providers(&self) -> Result<Vec<(String, i64)>, LedgerError> {
        let sql = "SELECT provider, created_at FROM provider_key ORDER BY provider";
        self.read(|txn| txn.rows(sql, &[], |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?))))
    }

    /// All that are kept: providers and their keys.
    pub fn provider_keys(&self) -> Result<Vec<(String, String)>, LedgerError> {
        let sql = "SELECT provider, sealed FROM provider_key ORDER BY provider";
        let rows: Vec<(String, String)> =
            self.read(|txn| txn.rows(sql, &[], |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?))))?;
        let sealer = self.sealer(Purpose::ProviderKey)?;
        let open = |(provider, sealed): (String, String)| {
            let key = sealer.open(&sealed, provider.as_bytes())?;
            let key = String::from_utf8(key).map_err(|_| LedgerError::NotSealed)?;
            Ok((provider, key))
        };
        rows.into_iter().map(open).collect()
    }
}

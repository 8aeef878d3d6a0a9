use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

fn key(byte: &str) -> Sealer {
    Sealer::from_text(&Secret::new(byte.repeat(KEY_LEN))).unwrap()
}

#[test]
fn a_sealed_value_opens_in_its_place_only() {
    let tenant = TenantId::new();
    let place = Place {
        tenant,
        secret: SecretId::new(),
        version: 1,
    };
    let master = key("07");
    let wrapped = master.new_tenant_key(tenant, 1).unwrap();
    let dek = master.unwrap(tenant, 1, &wrapped).unwrap();
    let sealed = dek.seal(place, &Secret::new("ghp_secret")).unwrap();
    assert_eq!(dek.open(place, &sealed).unwrap().expose(), "ghp_secret");
    assert!(!sealed.windows(10).any(|window| window == b"ghp_secret"));

    for elsewhere in [
        Place {
            tenant: TenantId::new(),
            ..place
        },
        Place {
            secret: SecretId::new(),
            ..place
        },
        Place {
            version: 2,
            ..place
        },
    ] {
        assert!(matches!(
            dek.open(elsewhere, &sealed),
            Err(Error::BrokenSeal)
        ));
    }
    let mut changed = sealed.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(matches!(dek.open(place, &changed), Err(Error::BrokenSeal)));
    assert!(matches!(
        dek.open(place, &sealed[..5]),
        Err(Error::BrokenSeal)
    ));
}

#[test]
fn a_tenants_key_opens_with_its_master_key_for_its_tenant_only() {
    let tenant = TenantId::new();
    let wrapped = key("07").new_tenant_key(tenant, 1).unwrap();
    for (master, tenant, version) in [
        (key("08"), tenant, 1),
        (key("07"), TenantId::new(), 1),
        (key("07"), tenant, 2),
    ] {
        let refused = master.unwrap(tenant, version, &wrapped).err().unwrap();
        assert!(matches!(refused, Error::WrongMasterKey), "{refused:?}");
    }
}

#[test]
fn a_master_key_is_32_bytes_in_hexadecimal_or_base64() {
    let base64 = STANDARD.encode([7_u8; KEY_LEN]);
    for good in [
        "07".repeat(KEY_LEN),
        format!(" {}\n", "07".repeat(KEY_LEN)),
        base64,
    ] {
        let sealer = Sealer::from_text(&Secret::new(good)).unwrap();
        assert_eq!(format!("{sealer:?}"), "Sealer(…)");
    }
    for bad in [
        String::new(),
        "07".repeat(16),
        "xy".repeat(KEY_LEN),
        "password".into(),
    ] {
        let refused = Sealer::from_text(&Secret::new(bad.as_str()))
            .unwrap_err()
            .to_string();
        assert!(refused.contains("openssl rand -hex 32"), "{refused}");
        assert!(bad.is_empty() || !refused.contains(&bad), "{refused}");
    }
}

#[test]
fn the_file_is_made_once_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let tenant = TenantId::new();
    let first = Sealer::open_or_create(&path).unwrap();
    let wrapped = first.new_tenant_key(tenant, 1).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = Sealer::open_or_create(&path).unwrap();
    assert!(again.unwrap(tenant, 1, &wrapped).is_ok());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = Sealer::open_or_create(&path).unwrap_err();
    assert!(
        matches!(refused, Error::MasterKeyExposed { .. }),
        "{refused:?}"
    );
    let nowhere = Sealer::open_or_create(&folder.path().join("no/such/key")).unwrap_err();
    assert!(
        matches!(nowhere, Error::MasterKeyFile { .. }),
        "{nowhere:?}"
    );
}

#[test]
fn processes_that_start_together_end_up_with_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let tenant = TenantId::new();
    let sealers: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Sealer::open_or_create(&path).unwrap()))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let wrapped = sealers[0].new_tenant_key(tenant, 1).unwrap();
    for sealer in &sealers {
        assert!(sealer.unwrap(tenant, 1, &wrapped).is_ok());
    }
}

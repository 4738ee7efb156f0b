/**
 * A certificate of `localhost` that no authority signed, good for a hundred years, and its key: for tests of what is seen over TLS. It
 * opens nothing anywhere.
 */
export const LOOPBACK_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+N4u/dn1WhjdZIXh
ZuZZOq1np9b+u2Bm/D9CNJ5JjdOhRANCAATBKP/JUOwjJYhOXm85mmIwoE+u+Mx9
B1d3UdxjwRxEzccpBdc6OG2LVV5CtfgmHXzUMHeMNfd7lqaopuhqp9I9
-----END PRIVATE KEY-----`

export const LOOPBACK_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUUh6f3FkSfDgDoXduNkYQuH9enzswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTExMDIwMloYDzIxMjYxMDI4
MTEwMjAyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATBKP/JUOwjJYhOXm85mmIwoE+u+Mx9B1d3UdxjwRxEzccpBdc6OG2L
VV5CtfgmHXzUMHeMNfd7lqaopuhqp9I9o28wbTAdBgNVHQ4EFgQUucFkXHWIc+B4
CagQ/qEKjo3dn3AwHwYDVR0jBBgwFoAUucFkXHWIc+B4CagQ/qEKjo3dn3AwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgBgWc1Km3rlLPK0bvE9D5MF2Bgk9Re4eVxkLI/xL6gggCIQCb
kz+U9GQdVrk3msygJ7XHSZvGdSeNokUXvrp6+sVzMQ==
-----END CERTIFICATE-----`

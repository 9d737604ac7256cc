/* SPDX-License-Identifier: MIT */
/* Keys of no other use, and what jose 5.10.0 signed with them:
 * cd tests/clients && node ../auth/record.mjs > ../auth/recorded.h */
#ifndef YS_TESTS_AUTH_RECORDED_H
#define YS_TESTS_AUTH_RECORDED_H

#include <stddef.h>

struct recording {
    const char *name;
    const char *text;
    size_t len;
};

/* clang-format off */
static const struct recording keys[] = {
    { "secret",
      "a secret of the unit tests", 26 },
    { "rsa_public",
      "-----BEGIN PUBLIC KEY-----\n"
      "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA24WQiExPzl4jyjds/0y2\n"
      "xpw3QSraSVzlYrMRQFJEh79p12tpIBEZRkX9nTCzdPguUn/AYCfZ4+pBVhK92CZ4\n"
      "3vmAEmm3rvONuf2aZVTAj4+aKoh9wYTpX3azu7HaLaopqjSKHleXTJly4gtslvR4\n"
      "1lSXe60/80n8Znr+nhGNh5VEDTLXRzzZdT8M24bkNs8XiUm/QENnU3zDSitaYIf5\n"
      "sK8OWwvTHXJoRaJQndi8/ZkdVU57v0/XedyyK5qfENpdoJGl3kICZtRI6C5FON+E\n"
      "WNwhTte0xp8ysQJkvGm3ieupqYfXZjAB0DfZTZblip3nZtzsshyhI8apRDEP+MM+\n"
      "owIDAQAB\n"
      "-----END PUBLIC KEY-----\n", 451 },
    { "rsa_public_pkcs1",
      "-----BEGIN RSA PUBLIC KEY-----\n"
      "MIIBCgKCAQEA24WQiExPzl4jyjds/0y2xpw3QSraSVzlYrMRQFJEh79p12tpIBEZ\n"
      "RkX9nTCzdPguUn/AYCfZ4+pBVhK92CZ43vmAEmm3rvONuf2aZVTAj4+aKoh9wYTp\n"
      "X3azu7HaLaopqjSKHleXTJly4gtslvR41lSXe60/80n8Znr+nhGNh5VEDTLXRzzZ\n"
      "dT8M24bkNs8XiUm/QENnU3zDSitaYIf5sK8OWwvTHXJoRaJQndi8/ZkdVU57v0/X\n"
      "edyyK5qfENpdoJGl3kICZtRI6C5FON+EWNwhTte0xp8ysQJkvGm3ieupqYfXZjAB\n"
      "0DfZTZblip3nZtzsshyhI8apRDEP+MM+owIDAQAB\n"
      "-----END RSA PUBLIC KEY-----\n", 426 },
    { "rsa_certificate",
      "-----BEGIN CERTIFICATE-----\n"
      "MIIDATCCAemgAwIBAgIULMfdYdedYhtiFH1N5Iu30e0gteowDQYJKoZIhvcNAQEL\n"
      "BQAwDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjIxODU4MTRaGA8yMTI2MTAyOTE4\n"
      "NTgxNFowDzENMAsGA1UEAwwEdGVzdDCCASIwDQYJKoZIhvcNAQEBBQADggEPADCC\n"
      "AQoCggEBANuFkIhMT85eI8o3bP9MtsacN0Eq2klc5WKzEUBSRIe/addraSARGUZF\n"
      "/Z0ws3T4LlJ/wGAn2ePqQVYSvdgmeN75gBJpt67zjbn9mmVUwI+PmiqIfcGE6V92\n"
      "s7ux2i2qKao0ih5Xl0yZcuILbJb0eNZUl3utP/NJ/GZ6/p4RjYeVRA0y10c82XU/\n"
      "DNuG5DbPF4lJv0BDZ1N8w0orWmCH+bCvDlsL0x1yaEWiUJ3YvP2ZHVVOe79P13nc\n"
      "siuanxDaXaCRpd5CAmbUSOguRTjfhFjcIU7XtMafMrECZLxpt4nrqamH12YwAdA3\n"
      "2U2W5Yqd52bc7LIcoSPGqUQxD/jDPqMCAwEAAaNTMFEwHQYDVR0OBBYEFId392DL\n"
      "VeUpHLvBJFHP3bDUw8UcMB8GA1UdIwQYMBaAFId392DLVeUpHLvBJFHP3bDUw8Uc\n"
      "MA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBAGi9aj6Zwqh0GBd2\n"
      "3l6A0vLa3ehH8HyAiZBxoE/WzZ7p89gr0Plo1jgV811sDFc6UDAuuVlF4ESPzzDt\n"
      "obsNFt5JAtg+ut+9M1ayzzn17wiwypeOG9w+aIEJ+5+B+uVATMwG5nywimzoBXFm\n"
      "QxqAacnLMKBKaipsJhR/ypkOFqO2NCN0Scs/lbhY+23pHwQWeKfbLoyNdwic7zq/\n"
      "UGRkZTSlb4ufLGwBhMtA91huNx7IKtTmFw/s8z6zLR3Y5s4EF19jVWYli4CqjzeK\n"
      "DK9PSiGKpO1EeJbnghqS1/dmTHkHyRf7J0FPtyKFU8G46LLh/cNknGa0zyxeOAsT\n"
      "fuKNcV4=\n"
      "-----END CERTIFICATE-----\n", 1103 },
    { "rsa_private",
      "-----BEGIN PRIVATE KEY-----\n"
      "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDbhZCITE/OXiPK\n"
      "N2z/TLbGnDdBKtpJXOVisxFAUkSHv2nXa2kgERlGRf2dMLN0+C5Sf8BgJ9nj6kFW\n"
      "Er3YJnje+YASabeu8425/ZplVMCPj5oqiH3BhOlfdrO7sdotqimqNIoeV5dMmXLi\n"
      "C2yW9HjWVJd7rT/zSfxmev6eEY2HlUQNMtdHPNl1PwzbhuQ2zxeJSb9AQ2dTfMNK\n"
      "K1pgh/mwrw5bC9MdcmhFolCd2Lz9mR1VTnu/T9d53LIrmp8Q2l2gkaXeQgJm1Ejo\n"
      "LkU434RY3CFO17TGnzKxAmS8abeJ66mph9dmMAHQN9lNluWKnedm3OyyHKEjxqlE\n"
      "MQ/4wz6jAgMBAAECggEAOsG5yVmPpN96ueXy9TSN2YQ3n+g97BQCy9O9ItfCQwlf\n"
      "ZYr45N3ew3n5Y4kFB6JkF63dCn+wKPprCYRTrxbBFIF4n7UPNrM29JjmKggw0Fwx\n"
      "+f91lYYjRuuJOQxmJwHcTBPrAisUsqqB3vIK2y7NZyTWNQLO0qozdiSmoR12odq5\n"
      "bp3Op6Vh3o89EVeK/czF084r36Ef2WcxNaTWurkCX33YOV8yclkzviQV7tmsdX5t\n"
      "fZHFJMijnkZUGKDEUxaC54/SpwB2c0Zh0WD7lGsntohvDDKJicEq+LTs0J7E2EIc\n"
      "1C22xy1P0Z5xDZX9VxgXcftBphcUeV7UTXlspdxFcQKBgQD7nitROxakqfMtgX10\n"
      "G9bz7tODV3qaNDHiG7BrwDQKN4dR5p+C5UI+FxcUAJkpDJOn021RrdHn7VDT/9c9\n"
      "eNwr8rwNXqAAz779B+hcWqs25e83whZ1MCribJIpmuWRNTci85n2cowrmmw1X76h\n"
      "7bQPNjnIu2vwkhWPd+YXvsq60QKBgQDfWEu5fAxD5lSCntiFeSPpbGODwEHJGAnn\n"
      "2JnwWPPeiXX2xONYKG6JvPJt+rEi5OrTRCwm/Pu4+AY9eFyTIpKDOqIzLrrCHhgp\n"
      "qfyIJAD5QOykIbi1Ha3TNqfp90ex2ycWacUeUEnX2H4SKClg4UIK42rsMe5ZKMdW\n"
      "5gTJFXNXMwKBgAqGCf/CveazKPWNReb2Rx46reP/Y6RRbIitacqH5mVK/0DgqWk7\n"
      "F3MrWg6/G6jI2uAZCqhw4aeWmFvVhnYOuP6pj03r2DtQdQd2LjS2ohSQt1mYp4HN\n"
      "Ou3vZomQ7esN07mFgLn6/nvQYJg24e052N8OAIqxtAkCwx4WAKybkTURAoGBAJPp\n"
      "G60pM8472bfvjqFGSrwppfX4+xg8LUM3tSrxHgBAtLjKR214yUu6sCqZnXnodIOZ\n"
      "YEwpumMTDr7i2RwwByuVRxnyVoh7+bCN/MoEXgi0MIO6OWLo1tdMGQPfWcG1yzsS\n"
      "rRKYRW8G1ucbZdvdEim31nW504mEcg9gocaxyAL1AoGAP+7jwKSGe6KZmRkvVGyK\n"
      "3uYjNfnkAiPmmQoo6fH7322kQsq0qyb2usU8hIrq3k4mTQyQm6xi9t4MYxHvmOzA\n"
      "Eq8VzvYyu5luiyPdKJbPSypczH0hAlqgx31ju+e4ckcexbhjJuBBMCuVeI5tYIrM\n"
      "yuKvsfvNxO3Anx0nlmUeKMA=\n"
      "-----END PRIVATE KEY-----\n", 1704 },
    { "rsa_private_encrypted",
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIrv2r/H6A2wMCAggA\n"
      "MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBCDeEtyeny1k+JDiRFbotWwBIIE\n"
      "0HYANPNkAkSb9fsBd7YLN84VW0bNB5anhnv+4UFqeB21QpEzT2gQWlyLDMU48zfs\n"
      "F+eijkHUjr81Ubro95cpBNmgQVL1V+BUFssAfs/fV+DvfM5ZU2C1rOCQz3VBwRtb\n"
      "ebNiWnwn6DrYbY4q4gym0vo7swZa0+frGgHwPeZvklfPBt62DhFMMgzLmyjEZpZY\n"
      "bYJfBGxGa0Db5hJoEmKT9qOzqVJ7AOCJidPYR63wj0Dk0O8gWRdiQvU8x+wQgnDQ\n"
      "6uYgKNmvnIKeRyT6MNtQK4veTEEk9hJcDR70nuT61E+0Xq8NDTeuM27KS++4A6yY\n"
      "v/+GzqXDKm1tF/MGNNRUo//QYOS/cR4/KP0KGEf+9jEWT/X4wZyqUK45PtswjJOm\n"
      "o7IZADE4wWrtuE4dcgyfANTfq8vUg9fI81iTHgHuKfMU4rWnbrgDZO1XMGSBus9y\n"
      "BBB1PhbTkjeqbDO8V8Xw5gNaC6+YCTBZBNkvHggWqViJWovhcLpeftfAiiyr49rn\n"
      "98EZV3QYDWvXKBo/A+ry/UpLvWUsxxgdF44uXXojmzpIFDZbeg1j9AiNAkoKOZNX\n"
      "eQptqho/YUNlbyakq/5mNyb8OU6qXBVSGlkSVNqC1FVzJ17FkgMZxO5s836AUUnV\n"
      "kFBiCQD21hgcItGyJKMBzrbrtefWWR7hkSs2LsB707QQAA2AhiriBMH4VHD6jKq9\n"
      "g16vtJKewLIJtF4YPPX9sPD8YA9LinK2ODyFdBYTNaKlPVEaICsolC22iw21bEV0\n"
      "beDY3TVFbRmpKK1wSoKC8rEpV/FA+STlqWpiK5XSG5/fCv0b6CvhlaGX3DALpeZT\n"
      "v6QxCLY5wUfcexfWM19rTL+Z5R4LQiSE/0Zf8PSr9Ktc1tlNta+PU5cEEgq5hsOd\n"
      "IM0fnpF0urCaEJw0flm3cajj1D2P0rm/+L0nFBfN9cbY2VDJ+OV6ia9EgZMHRZOR\n"
      "MHxg4Pl+NkFXgJvWls7otpZ0DJuzoyKk6BqHzgy7bwbriHFdYaQ5DNImS9AFtMXK\n"
      "3l0OVCv/7p49Q4aHldjUyQtwmtc3WchJ6Hv9kE1ZDjFzt+Gb2iWNEv19Qr02dopD\n"
      "+0ItCW1oO1XNctK1VnvAf/YJBBSbfh1PHLRUmmhK8L0JHKk+isnbwbgmK6xUUheb\n"
      "fATN0tJD8t/Ki37QdLRxVmDmVKbdqOauPaAEFSVF5hC5iMWwfWrG1kuNYQEdB+ws\n"
      "UnB75iY4D0VFbDaUHaFt8FiL9U1UlPYivad68cJD81sNxX0NW7xzZuAbIcF8axwe\n"
      "FQixgxwtcWU4lVue13SE5JF+JESIwmmjRfXUzvNTv0jDd/BXZuvFtCmAY7uh6l1W\n"
      "ljgoXXdIdd7njIaXVf6S6LnjXMVHq3suNvJgEY2rHlbNQ36E358XCCxQIPtyWkdS\n"
      "kGwAb0E0i9cl9AmLYpjGxhB4tRh4zf1bamfWS4nic53YdtviQuijdQvacaskWbZl\n"
      "BOf6mUoLmAXGTjK3XAZEwEHuo9SUS+NvmBKeID22VcH4LM7ahpVSkWzLQtJ+27Mv\n"
      "PHSJUnz/3Z4AgC2WwKPgX0aCTNd4OMMzyrXJyuzDDaajHnj6FGklP8sGdEbYjY5Z\n"
      "5TMhNls98amXBx/dUZW8CdmUzlxlBOwFbn0Ok1G8ojcB\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n", 1874 },
    { "rsa_1024_public",
      "-----BEGIN PUBLIC KEY-----\n"
      "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCepgfjDmfQFo8H1AxcYV9ELUnc\n"
      "jIUb+jnhNicW9C/TpRIVi1maEcmcqaXC5L9q/qxRDHaqh0kLWuyIa3VWKNHjE7aK\n"
      "wW/I1fqZKJXYUFUSs9nnrxUDUlL0Er5x39ysHh3dYWSi8kaQLDDNnBxmQDG8Fsmc\n"
      "S8nBTmgZ+m/+suI3JwIDAQAB\n"
      "-----END PUBLIC KEY-----\n", 272 },
    { "rsa_pss_public",
      "-----BEGIN PUBLIC KEY-----\n"
      "MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBAK6J/YBa411nzAsZaWI3JMKu\n"
      "FWBG10lCJfU/SZFOoekZFgszcY/O2UlWFiEIKXWNNtFTfS/8d9xcehrevYTdGuxH\n"
      "6nQdQMtM5gVn5hF0/a9dZSxwqEZhc5t6RLbMfUvyruWc8R81MNw6xOqy0bntOsd4\n"
      "kmGefpzlZoVLyMEHv3tbBRHQ3WlDXVoDjkqqgVdtaSg4jnT6aBYyTxrJCOMP/JY6\n"
      "JfdW5mPfsXV754aa2sSikQerzxaY2I5XTAehaRhbOKZnci+deSEDHNOTyh4Sajg+\n"
      "sQtkrIUf5AKWOEOHnrfp1ULD3xjkIPK3oVMRuHGTDdT/yVy9PGTRHtjgjK+8CHcC\n"
      "AwEAAQ==\n"
      "-----END PUBLIC KEY-----\n", 451 },
    { "rsa_jwk",
      "{\"kty\":\"RSA\",\"n\":\"24WQiExPzl4jyjds_0y2xpw3QSraSVzlYrMRQFJEh79p12tpIBEZRkX9nTCzdPguUn_AYCfZ4-pB"
      "VhK92CZ43vmAEmm3rvONuf2aZVTAj4-aKoh9wYTpX3azu7HaLaopqjSKHleXTJly4gtslvR41lSXe60_80n8Znr-nhGNh5VEDTLXR"
      "zzZdT8M24bkNs8XiUm_QENnU3zDSitaYIf5sK8OWwvTHXJoRaJQndi8_ZkdVU57v0_XedyyK5qfENpdoJGl3kICZtRI6C5FON-EWN"
      "whTte0xp8ysQJkvGm3ieupqYfXZjAB0DfZTZblip3nZtzsshyhI8apRDEP-MM-ow\",\"e\":\"AQAB\"}", 373 },
    { "rsa_base64",
      "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA24WQiExPzl4jyjds/0y2xpw3QSraSVzlYrMRQFJEh79p12tpIBEZRkX9n"
      "TCzdPguUn/AYCfZ4+pBVhK92CZ43vmAEmm3rvONuf2aZVTAj4+aKoh9wYTpX3azu7HaLaopqjSKHleXTJly4gtslvR41lSXe60/80"
      "n8Znr+nhGNh5VEDTLXRzzZdT8M24bkNs8XiUm/QENnU3zDSitaYIf5sK8OWwvTHXJoRaJQndi8/ZkdVU57v0/XedyyK5qfENpdoJG"
      "l3kICZtRI6C5FON+EWNwhTte0xp8ysQJkvGm3ieupqYfXZjAB0DfZTZblip3nZtzsshyhI8apRDEP+MM+owIDAQAB", 392 },
    { "rsa_der",
      "0\202\001\"0\015\006\011*\206H\206\367\015\001\001\001\005\000\003\202\001\017\0000\202\001\n"
      "\002\202\001\001\000\333\205\220\210LO\316^#\3127l\377L\266\306\2347A*\332I\\\345b\263\021@RD\207\277"
      "i\327ki \021\031FE\375\2350\263t\370.R\177\300`'\331\343\352AV\022\275\330&x\336\371\200\022i\267\256"
      "\363\215\271\375\232eT\300\217\217\232*\210}\301\204\351_v\263\273\261\332-\252)\2524\212\036W\227L\231"
      "r\342\013l\226\364x\326T\227{\255?\363I\374fz\376\236\021\215\207\225D\0152\327G<\331u?\014\333\206\344"
      "6\317\027\211I\277@CgS|\303J+Z`\207\371\260\257\016[\013\323\035rhE\242P\235\330\274\375\231\035UN{\277"
      "O\327y\334\262+\232\237\020\332]\240\221\245\336B\002f\324H\350.E8\337\204X\334!N\327\264\306\2372\261"
      "\002d\274i\267\211\353\251\251\207\327f0\001\3207\331M\226\345\212\235\347f\334\354\262\034\241#\306\251"
      "D1\017\370\303>\243\002\003\001\000\001", 294 },
    { "ec_public",
      "-----BEGIN PUBLIC KEY-----\n"
      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAER30y6vEbCOMsI4WzTdq7NKaL7AiO\n"
      "NbNQtHVMP+s2uUOBkNz0PUy/O5L+PjUF32mQYOa27Yn7JO+N/Foie5Bpuw==\n"
      "-----END PUBLIC KEY-----\n", 178 },
    { "ec_certificate",
      "-----BEGIN CERTIFICATE-----\n"
      "MIIBdTCCARugAwIBAgIUH1xHYpjDGEu8HkfXl8GNDiDnyqQwCgYIKoZIzj0EAwIw\n"
      "DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjIxODU4MTRaGA8yMTI2MTAyOTE4NTgx\n"
      "NFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEd9\n"
      "MurxGwjjLCOFs03auzSmi+wIjjWzULR1TD/rNrlDgZDc9D1MvzuS/j41Bd9pkGDm\n"
      "tu2J+yTvjfxaInuQabujUzBRMB0GA1UdDgQWBBTdZ6jCpP44A8rDBT+ju9MMOpFJ\n"
      "WDAfBgNVHSMEGDAWgBTdZ6jCpP44A8rDBT+ju9MMOpFJWDAPBgNVHRMBAf8EBTAD\n"
      "AQH/MAoGCCqGSM49BAMCA0gAMEUCID21bniT6Kgn7E4LMCqAI59g97vYtIFkZ2jb\n"
      "RPx3kfBFAiEAnxYN3XtOmWknz09zCGMwGnWDmJRwYb0TXtc+qc66rAI=\n"
      "-----END CERTIFICATE-----\n", 566 },
    { "ec_private",
      "-----BEGIN PRIVATE KEY-----\n"
      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEkz2LN6yMBLWqrnZ\n"
      "OQ9f2HchkxzWubvwYFhZeuJUkW+hRANCAARHfTLq8RsI4ywjhbNN2rs0povsCI41\n"
      "s1C0dUw/6za5Q4GQ3PQ9TL87kv4+NQXfaZBg5rbtifsk7438WiJ7kGm7\n"
      "-----END PRIVATE KEY-----\n", 241 },
    { "ec_private_sec1",
      "-----BEGIN EC PRIVATE KEY-----\n"
      "MHcCAQEEIBJM9izesjAS1qq52TkPX9h3IZMc1rm78GBYWXriVJFvoAoGCCqGSM49\n"
      "AwEHoUQDQgAER30y6vEbCOMsI4WzTdq7NKaL7AiONbNQtHVMP+s2uUOBkNz0PUy/\n"
      "O5L+PjUF32mQYOa27Yn7JO+N/Foie5Bpuw==\n"
      "-----END EC PRIVATE KEY-----\n", 227 },
    { "ec_base64",
      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAER30y6vEbCOMsI4WzTdq7NKaL7AiONbNQtHVMP+s2uUOBkNz0PUy/O5L+PjUF32mQY"
      "Oa27Yn7JO+N/Foie5Bpuw==", 124 },
    { "p384_public",
      "-----BEGIN PUBLIC KEY-----\n"
      "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEuRc28bigrNL0qX5uO0XbZJ7r3PVZesjI\n"
      "Bf0/b9EONvJRhsBaDcLOeJiAtTQKy0+ocgm84a0Sy04MZDl89e1PbS38gz/Jm9qV\n"
      "afh3yPxzaAejeOS8/h6Rr+ZzVZkyxVx7\n"
      "-----END PUBLIC KEY-----\n", 215 },
    { "ed25519_public",
      "-----BEGIN PUBLIC KEY-----\n"
      "MCowBQYDK2VwAyEAnZJvEqZXu+G45krWOxstGU1tmuFqyQWK20iZdpJvNbM=\n"
      "-----END PUBLIC KEY-----\n", 113 },
};

/* All with the claims {"sub":"ada","room":"blog","access":"read","exp":4102444800}. */
static const struct recording tokens[] = {
    { "hs256",
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImFueSJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6"
      "InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9.EeibBYAgjgfiRiupVo2tflAcLOS1QcP_M9nvfBKomD8", 177 },
    { "hs256_other",
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".V7qvmkyWoMlNhTDhgHxUex8xQZDLPqeWwEi6lg65qD0", 145 },
    { "hs384",
      "eyJhbGciOiJIUzM4NCJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".EveHizHcB-Lr7a9N9sW9A-5lRd_yxYmWGy1SD3YJx59CjltqZzlgFWQNKShiqAcD", 166 },
    { "hs512",
      "eyJhbGciOiJIUzUxMiJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".2sO6_wY5HN3UblRhGLY_bVCKGpJIuTQ5o1pu_MYL1B2BEdhWxOmqvsclpUklI1PZJYE8BNYR8MDhigUB4RQjzg", 188 },
    { "hs256_rsa_public",
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".xyR52ErAuH7_TKgdMGeNezZsPHIM_0QAsAF-mavPBX0", 145 },
    { "hs256_rsa_public_trimmed",
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".M4DpZXpyPCGCJnQZarGMyEe-TX9b5WNB4885gIQ5XoE", 145 },
    { "hs256_rsa_der",
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".HQIGePrHrtLGNoT48E2yBXFl25BMcdE8DPndVIUJVH0", 145 },
    { "hs256_ec_public",
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".YtvNKq_mUrtkRaebifgY2aw60Mwcz9Bpkd_P1luQJZY", 145 },
    { "rs256",
      "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJl"
      "eHAiOjQxMDI0NDQ4MDB9.xYp5nceX41t0IxfGzFxI5qGw_lyFC3GfHGdWUN0rYPuJnYkIta0he2pEiGig6s38PHYxixdygD2h-Q5A"
      "PVUWJN331yqli12SUf20y-xNh8BTxGOf1gu92SGtHoXQAPV_gcs6b0Ff0URO58h_xQgQ05Dc4e-eR5PZV5IT0E5srNV0xvfGk8496"
      "kSWekrB8i8yaIJg8SSC_qmad4uR-2ipoPQl138o6C2jKAb2ty3FBx9JebTxrBm7b_uVLuwdF33k4FXiUqgXwhycbJbXpPwnkZMXxn"
      "JlxJL4v8-4RSB79qLnZqEqjHORQVTKYVggzooVMY065wSN2JptnsSxN1fCig", 464 },
    { "rs256_other",
      "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".hdKEK_Tcyal4zAB9eSc38EHgTg2_Fa068KHSMmGJ9FMXKMCIGE5Bjjkyc-XPjdnysfitgUZC22t8TDMjE1QkwY_Zh0t-HGbxdOHK"
      "aGV5kg2sAPQTk7s5Uq6heJc1w7JnkS_NcxIOx-GaoBwtQbxq3ArujB793dyDahYuuw-Ijyx3mztZPUMgXFt8ilsl0MdLd7jjR3P5D"
      "2CcwcrXc35wxJ9wndEpspWTqdqOeqARaDCnTYvjpzh3Vmf0W-sRJXIs4O3kkqZjJff0c6ajvzuuhU9pj9tG6ZBLcLn2eS_Gs8oemX"
      "e4LNkUB6n7qkEzOzWblCPheOd5RlruNfnH6jz1KA", 444 },
    { "rs256_jwk",
      "eyJhbGciOiJSUzI1NiIsImp3ayI6eyJrdHkiOiJSU0EiLCJuIjoiMU1yc05qZm5FOG1fNXJPRlRGbENfclhrQWRYQmdCUWVQWlYzb"
      "XkwV0hUSU9acWhwOFVUQnZUdkRPajc3MVBmVThyQTd0QUdsYjBlczF2YUcxb1hZV2lGZ1JPSXBJemJ5dEFadTZmRmlwVm5vNzhsZ2"
      "1mQ0tpckJfc0RMTGhxSkJmdkJtVGoxYVZFS1dpRlZiNzhYNWpCQ1JzTk1rc25xS1EtZUZrSUVaWVd5Z29TNVZlaGtvcDBZbVJxWVJ"
      "nVkE1MzlSZnJSR1FQN3BjOFhiSXAtZDhnUmdES0MwdnJyQm9LckNDTTRNNnhkYWNwTFVHUzJnZ1M1eGx2RDZ3YklIR25vNmFxdmRZ"
      "T1piQWhvaUpXNWg3Rk9XUTJac0QybnRpNU1Nd0JkNzIyMF9xcU84RFV0VXI1SEY1SGRqVVI4bGF1MmVYT3pMdGh2STVtWnJ3bGpoM"
      "U53IiwiZSI6IkFRQUIifX0.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MD"
      "B9.uNVX3X8gntOQjWwQoLGT1DPgncV_-edTu8uMnES3G4-s5sWBzF7kZBypiehfW9RziLQ_unKwx8k7qtcXbP-ZMVqjd9rxDqPV3C"
      "ptFZH_XnJEr_CfRpHZUIgFS_qXyzLapvryoHg1tqUTrTShvLlzRRHy5BoqszqfPJhX3WzcBer3slGMicSVb4CdjrzDLdGxxg4zSib"
      "pwwsIWj3W9vPUyq_RSqYDx7TtbtmtR51kVaA_eUy7NRF0kw986XSwuETX1rx246UZ3pmxuRQHWM4fm8Jzg4HZQyFmivgFLHPJCPZk"
      "sazQdIV1ged7Ikv4esEjQ46ZcJk7zmGVsun1GxXdJg", 951 },
    { "rs384",
      "eyJhbGciOiJSUzM4NCJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".KX_yb4sW1Lf3WGD9o0SwPPN8FiC27C4JgmcHTLIp5rhPAoJuG4yMBoDqLL9r8ApRTTpIb9oP4GvCsgX1agh7Q5OYeRzX1qswv-Zs"
      "YJT8yyvfh_4JleB0KMtPbDh8J-1PSdrpLARW7R44PgO22jv27iezoE-FoxugxILeo_wRsxIX0eW2brJz6zzMz5f4k4huIGCNt_P04"
      "wk3oXxj2Yn3mkxKsqQOe7I8DSGJRipxE6bakHMpd6wD74iguPS8gYjdtV4eXW40D1tswwkgKUu3LBH-3bWgGnCipiT0vApV75Q71W"
      "TU9QwUQkM1DqrMDrX5q0Aj0w0ZzsoN71tKwaZEJQ", 444 },
    { "ps256",
      "eyJhbGciOiJQUzI1NiJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".1XTu0HixyD478zSEldtZvl54QuJJfDvnDzyisGYXS4egs5UvVAOaZ1iStt0TJWzUPPGe6L3hpb8HrDQU72NCZUwRdaE9dzaIeRxL"
      "fZNAh5EMVG0-dHGeQQGPw-8Mlvsn7NEI-U8eQ37GESW4BMg9uBUsqck0Qb683Kc_0S9KK-3UvntoK9VlZUbHUlMBMXlspDQbl-Mg9"
      "9mUCoD4poTuappEg8roN4TRBBT3dALHn6Lcba6L_04w3yLonXH0XlO9gQX0072TC_s3-4vyw9Em6u1xOfjcViF17j4xwkhqCi692G"
      "1SGgbykrEdHcRpxmfjnvcK0nuOyR9wiXB-h3gEnA", 444 },
    { "es256",
      "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".B3IAO9I348OjO8mWqPK_32bHu3WzBsofFjmq7Ts5te7dkXoplmeiGpZtTLNaGpSTW5TPCCsD0Nz20RcHC4NFxQ", 188 },
    { "es256_other",
      "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".tRyyZzzuVMoEujr7-I-6-P7ERbzBSX13unk6KawuBFR0r8_5oKyjkn1GbqPumfKgjYtaHtsXX0CJ-uN7jpJkKw", 188 },
    { "es256_der",
      "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".MEUCIAdyADvSN-PDozvJlqjyv99mx7t1swbKHxY5qu07ObXuAiEA3ZF6KZZnohqWbUyzWhqUk1uUzwgrA9Dc9tEXBwuDRcU", 197 },
    { "es384",
      "eyJhbGciOiJFUzM4NCJ9.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9"
      ".kmZx0suETfUFpOj-8MBCeXVhQ8TTlOW4_5eyyFXnlfRK2CMJFhCSsSQuFizOybMQ_0Ok-bDcnq-rTAxqPwcOPLrnIGJ-0ojjutbt"
      "MSWnU2C_bef3gcr7fuon2pPxURxh", 230 },
    { "none",
      "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEiLCJyb29tIjoiYmxvZyIsImFjY2VzcyI6InJlYWQiLCJleHAiOjQxMDI0NDQ4MDB9.", 101 },
};
/* clang-format on */

#endif

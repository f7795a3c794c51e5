/*
 * What systemd hands over in $CREDENTIALS_DIRECTORY (LoadCredential=, LoadCredentialEncrypted=):
 *
 *     api_hash   the application's, where it stands nowhere else
 *     keys       a secret of 16 to 4096 bytes from which the key for keys.db is made; a last newline does not
 * count
 */
#pragma once

struct tgd_config;

/* 0, or -1 with words: a credential is there and is no good. None is needed. */
int tgd_credentials_read(struct tgd_config *c, char err[256]);

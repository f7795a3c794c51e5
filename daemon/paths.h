/*
 * Where things are, by the environment: api contract section 1 (socket), section 11 (configuration) and the
 * design's section 5 (state). Used by the daemon; tgctl has the client's list.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define TGD_PATH_MAX 512

/* $STATE_DIRECTORY, else $XDG_STATE_HOME/tgd, else ~/.local/state/tgd. False: none of them is known. */
bool tgd_path_state(char *out, size_t cap);
/* $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/tgd, /run/user/UID/tgd where it can be made, else the state folder. */
bool tgd_path_socket(const char *state_dir, char *out, size_t cap);
/* The first that exists of $CONFIGURATION_DIRECTORY, $XDG_CONFIG_HOME (~/.config), /etc; false: none does. */
bool tgd_path_config(char *out, size_t cap);
/* Makes a folder and its parents, the last one with `mode`. False with errno. */
/* Whether what lies there is gone when the machine is switched off. */
bool tgd_in_memory(const char *path);
bool tgd_make_folder(const char *path, unsigned mode);

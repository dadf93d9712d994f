/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_CONFIG_CHANGE_H
#define CM_CONFIG_CHANGE_H

/* Two configurations side by side, for a reload: an option at a time, by its number. */

#include "base/buf.h"
#include "config/config.h"

/* Its long name. Static. */
const char *cm_config_name(enum cm_config_index index);
/* Whether a server that runs can take a new value over. */
bool cm_config_is_live(enum cm_config_index index);
/* Whether it may be given in a file at all. */
bool cm_config_is_of_files(enum cm_config_index index);
/* Texts are compared, and lists in their order. */
bool cm_config_differs(const struct cm_config *a, const struct cm_config *b,
                       enum cm_config_index index);
/* The value of `from` becomes that of `to`, which copies it; texts that `to` had before stay good
 * until its end. NO_MEMORY: nothing has changed. */
CM_MUST_CHECK enum cm_status cm_config_adopt(struct cm_config *to, const struct cm_config *from,
                                             enum cm_config_index index);

/* Something that is wanted of a server that runs. */
struct cm_config_setting {
    const struct cm_command_line *line; /* with what is in force */
    const char *by;                     /* who wants it */
    struct cm_slice text;               /* as of a file */
};

/* What is in force, with the text over it, as one that cm_config_parse() makes. */
CM_MUST_CHECK enum cm_status cm_config_set_over(struct cm_config *config,
                                                const struct cm_config_setting *setting,
                                                struct cm_config_error *error);
/* What is in force, but that the option of that name, if it was set so, has the value that file,
 * environment and command line give it now; NULL: all that were. */
CM_MUST_CHECK enum cm_status cm_config_take_back(struct cm_config *config,
                                                 const struct cm_config_setting *setting,
                                                 const char *name, struct cm_config_error *error);

/* The value as a file has it, "" if there is none, cut if there is no room; a list's entries have
 * commas between them. Returns `to`. */
const char *cm_config_value(const struct cm_config *config, enum cm_config_index index, char *to,
                            size_t to_bytes);
/* What follows the '?' of a URL may hold a password: takes it away. True: there was something. */
bool cm_config_hide_secret(enum cm_config_index index, char *value);
/* Where the value comes from: "default", "/etc/x.conf:3", "CACHEMAN_THREADS", "command line",
 * "set at run time by ADDRESS". At most CM_CONFIG_TITLE_BYTES; returns `to`. */
const char *cm_config_origin(const struct cm_config *config, enum cm_config_index index, char *to);
/* "notls:[::1]:99", as `listen` has it. Returns `to`. */
#define CM_CONFIG_ADDRESS_BYTES 280
const char *cm_config_address_text(const struct cm_config_address *address, char *to);

/* Appends the options that a file may hold as JSON, an array of objects: their names, values without
 * secrets, origins, whether they can change live, what they are for, what is allowed. NO_MEMORY. */
CM_MUST_CHECK enum cm_status cm_config_put_json(struct cm_buf *to, const struct cm_config *config);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CM_NET_LINK_H
#define CM_NET_LINK_H

#include <stdbool.h>
#include <stddef.h>

/* A ring of structures through a member of each; the head is a link of its own. A link outside of
 * any ring points to itself. */
struct cm_link {
    struct cm_link *previous, *next;
};

#define CM_LINKED(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void cm_link_init(struct cm_link *link) {
    link->previous = link->next = link;
}

static inline bool cm_link_is_alone(const struct cm_link *link) {
    return link->next == link;
}

static inline void cm_link_remove(struct cm_link *link) {
    link->previous->next = link->next;
    link->next->previous = link->previous;
    cm_link_init(link);
}

/* `link` becomes the last of the ring of `head`. */
static inline void cm_link_append(struct cm_link *head, struct cm_link *link) {
    cm_link_remove(link);
    link->previous = head->previous;
    link->next = head;
    head->previous->next = link;
    head->previous = link;
}

/* The links of `from` move to `to`, which is alone; `from` is alone afterwards. */
static inline void cm_link_move_all(struct cm_link *to, struct cm_link *from) {
    if (cm_link_is_alone(from))
        return;
    *to = *from;
    to->previous->next = to;
    to->next->previous = to;
    cm_link_init(from);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CACHEMAN_VERSION_H
#define CACHEMAN_VERSION_H

#define CACHEMAN_VERSION_MAJOR 0
#define CACHEMAN_VERSION_MINOR 1
#define CACHEMAN_VERSION_PATCH 0
#define CACHEMAN_VERSION       "0.1.0"

/* What `version` answers to memcached's clients, which tell by it what they may use; libmemcached
 * takes a major version of 0 for garbage. First the memcached whose protocol this is. */
#define CACHEMAN_VERSION_MEMCACHE "1.6.45-cacheman-" CACHEMAN_VERSION

#endif

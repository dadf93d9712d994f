<?php
// SPDX-License-Identifier: BSD-3-Clause
// PHP's memcached extension with a user and a password: sasl.php PORT USER PASSWORD. Prints ok or
// refused.

$m = new Memcached();
$m->setOption(Memcached::OPT_BINARY_PROTOCOL, true);
$m->setOption(Memcached::OPT_CONNECT_TIMEOUT, 60000); // a busy machine's, in milliseconds
$m->setOption(Memcached::OPT_POLL_TIMEOUT, 60000);
$m->setSaslAuthData($argv[2], $argv[3]);
$m->addServer("127.0.0.1", (int)$argv[1]);
if ($m->set("a", "one") && $m->get("a") === "one") {
    echo "ok\n";
} else {
    fwrite(STDERR, $m->getResultMessage() . "\n");
    echo "refused\n";
}

<?php
// SPDX-License-Identifier: BSD-3-Clause
// PHP's memcached extension over the binary protocol: binary.php PORT. Prints ok.

function check($what, $got, $wanted) {
    if ($got !== $wanted) {
        fwrite(STDERR, "$what: " . var_export($got, true) . " instead of " .
                       var_export($wanted, true) . "\n");
        exit(1);
    }
}

$m = new Memcached();
$m->setOption(Memcached::OPT_BINARY_PROTOCOL, true);
$m->setOption(Memcached::OPT_CONNECT_TIMEOUT, 60000); // a busy machine's, in milliseconds
$m->setOption(Memcached::OPT_POLL_TIMEOUT, 60000);
$m->setOption(Memcached::OPT_COMPRESSION, false);
$m->setOption(Memcached::OPT_TCP_NODELAY, true);
$m->addServer("127.0.0.1", (int)$argv[1]);

check("set", $m->set("a", "one"), true);
check("get", $m->get("a"), "one");
check("miss", $m->get("none"), false);
check("miss's code", $m->getResultCode(), Memcached::RES_NOTFOUND);
check("add over", $m->add("a", "x"), false);
check("add", $m->add("b", ["some" => ["structure"]]), true);
check("get structure", $m->get("b"), ["some" => ["structure"]]);
check("replace", $m->replace("b", "two"), true);
check("replace nothing", $m->replace("none", "x"), false);
check("append", $m->append("b", "-end"), true);
check("prepend", $m->prepend("b", "start-"), true);
check("joined", $m->get("b"), "start-two-end");
check("append to nothing", $m->append("none", "x"), false);
check("append's code", $m->getResultCode(), Memcached::RES_NOTSTORED);

check("increment from nothing", $m->increment("n", 1, 40, 0), 40);
check("increment", $m->increment("n", 2), 42);
check("decrement", $m->decrement("n", 100), 0);
check("increment a text", $m->increment("a"), false);

$many = [];
for ($i = 0; $i < 500; $i++) {
    $many["m$i"] = "value $i";
}
check("setMulti", $m->setMulti($many), true);
$got = $m->getMulti(array_merge(array_keys($many), ["none"]));
ksort($got);
ksort($many);
check("getMulti", $got, $many);
check("deleteMulti", $m->deleteMulti(["m0", "m1"]), ["m0" => true, "m1" => true]);
check("deleted", $m->get("m0"), false);

$item = $m->get("a", null, Memcached::GET_EXTENDED);
check("cas", $m->cas($item["cas"], "a", "changed"), true);
check("cas again", $m->cas($item["cas"], "a", "x"), false);
check("cas's code", $m->getResultCode(), Memcached::RES_DATA_EXISTS);
check("changed", $m->get("a"), "changed");

check("touch", $m->touch("a", 100), true);
check("touch nothing", $m->touch("none", 100), false);
check("delete", $m->delete("a"), true);
check("delete again", $m->delete("a"), false);

$big = str_repeat("0123456789", 100000);
check("set big", $m->set("big", $big), true);
check("get big", $m->get("big"), $big);
check("set too large", $m->set("big", str_repeat("x", 2 << 20)), false);
check("its code", $m->getResultCode(), Memcached::RES_E2BIG);
check("the old one", $m->get("big"), false);

$m->setOption(Memcached::OPT_BUFFER_WRITES, true);
$m->setOption(Memcached::OPT_NOREPLY, true);
for ($i = 0; $i < 1000; $i++) {
    $m->set("q$i", (string)$i);
}
$m->setOption(Memcached::OPT_NOREPLY, false);
$m->setOption(Memcached::OPT_BUFFER_WRITES, false);
// What was buffered went over a connection that has been closed since.
$deadline = microtime(true) + 60;
while ($m->get("q999") === false && microtime(true) < $deadline) {
    usleep(5000);
}
check("written behind", $m->get("q999"), "999");

$stats = array_values($m->getStats())[0];
check("stats", $stats["curr_items"] > 1000, true);
check("version", strlen(array_values($m->getVersion())[0]) > 0, true);
check("flush", $m->flush(), true);
check("flushed", $m->get("b"), false);
$m->quit();
echo "ok\n";

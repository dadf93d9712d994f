// SPDX-License-Identifier: BSD-3-Clause

// What gomemcache does against a server: go run main.go ADDRESS
package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

func must(what string, ok bool, detail ...interface{}) {
	if !ok {
		fmt.Println("failed:", what, detail)
		os.Exit(1)
	}
}

func fine(what string, err error) {
	must(what, err == nil, err)
}

func storage(c *memcache.Client) {
	fine("set", c.Set(&memcache.Item{Key: "a", Value: []byte("one"), Flags: 77}))
	item, err := c.Get("a")
	fine("get", err)
	must("value", string(item.Value) == "one" && item.Flags == 77, item)
	must("add", c.Add(&memcache.Item{Key: "a", Value: []byte("x")}) == memcache.ErrNotStored)
	fine("add new", c.Add(&memcache.Item{Key: "b", Value: []byte("two")}))
	fine("replace", c.Replace(&memcache.Item{Key: "b", Value: []byte("2")}))
	must("replace", c.Replace(&memcache.Item{Key: "c", Value: []byte("x")}) == memcache.ErrNotStored)
	many, err := c.GetMulti([]string{"a", "b", "missing"})
	fine("multi", err)
	must("multi", len(many) == 2 && string(many["b"].Value) == "2", many)
	_, err = c.Get("missing")
	must("miss", err == memcache.ErrCacheMiss, err)
}

func cas(c *memcache.Client) {
	first, err := c.Get("a")
	fine("get", err)
	second, err := c.Get("a")
	fine("get", err)
	first.Value = []byte("first")
	fine("cas", c.CompareAndSwap(first))
	second.Value = []byte("second")
	must("conflict", c.CompareAndSwap(second) == memcache.ErrCASConflict)
}

func numbers(c *memcache.Client) {
	fine("set", c.Set(&memcache.Item{Key: "n", Value: []byte("41")}))
	n, err := c.Increment("n", 1)
	must("increment", err == nil && n == 42, n, err)
	n, err = c.Decrement("n", 100)
	must("decrement", err == nil && n == 0, n, err)
	_, err = c.Increment("missing", 1)
	must("missing", err == memcache.ErrCacheMiss, err)
}

func endings(c *memcache.Client) {
	fine("touch", c.Touch("b", 100))
	must("touch", c.Touch("missing", 1) == memcache.ErrCacheMiss)
	fine("delete", c.Delete("b"))
	must("delete", c.Delete("b") == memcache.ErrCacheMiss)
	fine("expired", c.Set(&memcache.Item{Key: "e", Value: []byte("x"), Expiration: -1}))
	_, err := c.Get("e")
	must("expired", err == memcache.ErrCacheMiss, err)
	big := bytes.Repeat([]byte("0123456789"), 100000)
	fine("big", c.Set(&memcache.Item{Key: "big", Value: big}))
	item, err := c.Get("big")
	must("big", err == nil && bytes.Equal(item.Value, big), err)
}

func parallel(c *memcache.Client) {
	var group sync.WaitGroup
	for worker := 0; worker < 8; worker++ {
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			for step := 0; step < 200; step++ {
				key, value := "p"+strconv.Itoa(worker), []byte(strconv.Itoa(step))
				fine("set", c.Set(&memcache.Item{Key: key, Value: value}))
				item, err := c.Get(key)
				must("own value", err == nil && bytes.Equal(item.Value, value), err)
			}
		}(worker)
	}
	group.Wait()
}

func main() {
	c := memcache.New(os.Args[1])
	c.Timeout = 60 * time.Second
	storage(c)
	cas(c)
	numbers(c)
	endings(c)
	parallel(c)
	fine("flush", c.FlushAll())
	_, err := c.Get("a")
	must("flushed", err == memcache.ErrCacheMiss, err)
	fmt.Println("ok")
}

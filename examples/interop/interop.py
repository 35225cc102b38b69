"""The Python side of the example: redis-py on the keys that a Go program caches.

    python3 interop.py ADDRESS read|write|invalidate

Debian's package python3-redis is all it needs.
"""

import sys

import redis

TTL = 3600  # seconds: what is written beside the cache needs an end as well


def read(r):
    """Reads what the Go program has cached: plain values of Redis's own types."""
    print("title  ", r.get("title:1"))
    print("visits ", r.get("visits:1"))
    print("user   ", r.hgetall("user:1"))
    print("recent ", r.lrange("recent:1", 0, -1))
    print("tags   ", sorted(r.smembers("tags:1")))
    print("scores ", r.zrange("scores:1", 0, -1, withscores=True))


def write(r):
    """Writes values that the Go program will find: numbers as text, fields by name."""
    p = r.pipeline(transaction=True)  # value and TTL in one step
    p.set("title:2", "Привет, 世界", ex=TTL)
    p.set("visits:2", 7, ex=TTL)
    replace(p, "user:2", lambda key: p.hset(key, mapping={"id": 2, "name": "Grace", "balance": 0.25, "active": "true"}))
    replace(p, "recent:2", lambda key: p.rpush(key, 30, 10, 30))
    replace(p, "tags:2", lambda key: p.sadd(key, "grün", "red"))
    replace(p, "scores:2", lambda key: p.zadd(key, {"last": float("inf"), "ann": 0.1, "first": float("-inf")}))
    p.execute()


def replace(p, key, fill):
    p.delete(key)
    fill(key)
    p.expire(key, TTL)


def invalidate(r):
    """Tells the cache that the source has changed: the key, and what the cache has noted of it."""
    for key in ("user:1", "user:404"):
        r.delete(key, "aside:{" + key + "}")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    host, port = sys.argv[1].rsplit(":", 1)
    steps = {"read": read, "write": write, "invalidate": invalidate}
    steps[sys.argv[2]](redis.Redis(host=host, port=int(port), decode_responses=True))

def invalidate(r, *keys):
    """Tells the caches that the rows of these keys have changed: r is a redis.Redis."""
    for key in keys:
        r.delete(key, "aside:{" + key + "}")


if __name__ == "__main__":
    import sys

    import redis

    invalidate(redis.Redis.from_url(sys.argv[1]), *sys.argv[2:])

// The program of README.md.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/redis/go-redis/v9"
)

type User struct {
	ID   int64
	Name string
}

// loadUser stands for a query of your database.
func loadUser(ctx context.Context, id int64) (User, error) {
	fmt.Println("the database is asked for user", id)
	time.Sleep(100 * time.Millisecond)
	if id != 42 {
		return User{}, cache.ErrNotFound // cached as well, for a minute by default
	}
	return User{ID: id, Name: "Ada"}, nil
}

func main() {
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: cmp.Or(os.Getenv("REDIS_ADDR"), "localhost:6379")})
	defer rdb.Close()
	users, err := cache.New(rdb, cache.Config[int64, User]{
		Name: "user", // the keys are user:42
		TTL:  10 * time.Minute,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer users.Close()

	var requests sync.WaitGroup
	for range 1000 { // one of them asks the database, even across processes
		requests.Go(func() {
			if _, err := users.GetOrSet(ctx, 42, loadUser); err != nil {
				log.Print(err)
			}
		})
	}
	requests.Wait()

	if err := users.Delete(ctx, 42); err != nil { // after the row has changed
		log.Print(err)
	}
	u, err := users.GetOrSet(ctx, 42, loadUser)
	fmt.Println(u.Name, err)
}

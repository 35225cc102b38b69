package main

import (
	"os"

	"github.com/alicebob/miniredis/v2"
)

// The program runs as README.md says.
func Example() {
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	defer server.Close()
	os.Setenv("REDIS_ADDR", server.Addr())
	main()
	// Output:
	// the database is asked for user 42
	// the database is asked for user 42
	// Ada <nil>
}

package cookbook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/asidecache/aside/cache"
)

// ServeUser answers GET /users/{id}.
func ServeUser(users *cache.Cache[int64, User], db Store) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			http.Error(w, "the id is not a number", http.StatusBadRequest)
			return
		}
		u, err := users.GetOrSet(r.Context(), id, db.User) // ends with the request, the load does not
		switch {
		case errors.Is(err, cache.ErrNotFound):
			http.NotFound(w, r)
		case errors.Is(err, context.DeadlineExceeded):
			http.Error(w, "the database is slow", http.StatusGatewayTimeout)
		case err != nil:
			http.Error(w, "the user cannot be loaded now", http.StatusServiceUnavailable)
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(u)
		}
	}
}

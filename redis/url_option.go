package redis

// urlOptions are the options of a URL's query.
var urlOptions = [...]string{
	"db", "database", "username", "password", "client_name", "client_info", "protocol", "dial_timeout",
	"reply_timeout", "keep_alive", "subscribe_timeout", "unsubscribe_timeout", "backoff", "backoff_max",
	"subscriber_backoff", "subscriber_backoff_max", "connections", "pool_size",
	"max_bulk", "max_depth", "max_elements", "max_line", "max_error_line", "max_big_number",
}

// meant says which option an unknown one may stand for, or nothing.
func meant(key string) string {
	switch key {
	case "read_from", "zone", "max_redirects", "refresh_every":
		return ", which is one of a cluster: give the URL to cluster.Open, as redis+cluster://host"
	}
	best, least := "", len(key)/3+2 // more is no slip of the fingers
	for _, option := range urlOptions {
		if d := distance(key, option); d < least {
			best, least = option, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best + "?"
}

// distance returns how many letters have to be added, left out or replaced to make b
// of a.
func distance(a, b string) int {
	const longest = 64 // options are shorter
	if len(a) > longest {
		return longest
	}
	row := make([]int, len(b)+1) // of a's letters so far, to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

package redis

// urlOptions are the options of a URL's query.
var urlOptions = [...]string{
	"db", "database", "username", "password", "client_name", "client_info", "protocol", "dial_timeout",
	"reply_timeout", "keep_alive", "subscribe_timeout", "unsubscribe_timeout", "backoff", "backoff_max",
	"subscriber_backoff", "subscriber_backoff_max", "connections", "pool_size",
	"max_bulk", "max_depth", "max_elements", "max_line", "max_error_line", "max_big_number",
}

// meant returns a hint for an unknown option: the option that may have been meant, or
// nothing.
func meant(key string) string {
	switch key {
	case "read_from", "zone", "max_redirects", "refresh_every":
		return ", which is an option of a cluster: give the URL to cluster.Open, as redis+cluster://host"
	}
	best, least := "", len(key)/3+2 // a greater distance is not a typing error
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

// distance returns how many letters must be added, removed, or replaced to turn a into b.
func distance(a, b string) int {
	const longest = 64 // options are shorter
	if len(a) > longest {
		return longest
	}
	row := make([]int, len(b)+1) // the distance of a's letters so far to each prefix of b
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

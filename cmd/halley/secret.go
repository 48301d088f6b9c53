package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"halley/auth"
)

// maxSecretBytes bounds a secret file: a token is the longest secret there is.
const maxSecretBytes = 16 << 10

// readSecret takes a secret from a file or from an environment variable, never from a flag, which every user of the machine could
// see. It is empty where neither is given. A file that everybody may read is refused.
func readSecret(file, variable string) (auth.Secret, error) {
	given := os.Getenv(variable)
	switch {
	case file == "":
		return auth.NewSecret(given), nil
	case given != "":
		return auth.Secret{}, fmt.Errorf("both the file %s and %s are given: choose one", file, variable)
	}
	text, err := readSecretFile(file)
	if err != nil {
		return auth.Secret{}, fmt.Errorf("secret file: %w", err)
	}
	return auth.NewSecret(text), nil
}

// readSecretFile reads the one secret of a file; spaces and line ends around it are not part of it.
func readSecretFile(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o007 != 0 {
		return "", fmt.Errorf("%s: everybody may read it (%s): chmod 600 it, and make a new secret", name, info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(file, maxSecretBytes+1))
	if err != nil {
		return "", err
	}
	if len(data) > maxSecretBytes {
		return "", fmt.Errorf("%s: more than %d bytes: not a secret", name, maxSecretBytes)
	}
	text := strings.TrimSpace(string(data))
	if text == "" {
		return "", fmt.Errorf("%s: empty", name)
	}
	return text, nil
}

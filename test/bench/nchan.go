package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"halley/cmd/halley/bench"
	"halley/test/debian"
)

// nchanModule is where Debian's package puts the module.
const nchanModule = "/usr/lib/nginx/modules/ngx_nchan_module.so"

// nchanConfig is what Nchan serves by: its folder, the module, the address and the number of processors are filled in. One worker a processor, no log of requests, and
// a history as long as Halley's is by default.
const nchanConfig = `load_module %[2]s;
daemon off;
pid %[1]s/pid;
error_log stderr warn;
worker_processes %[4]d;
worker_rlimit_nofile 1048576;
events { worker_connections 50000; }
http {
  access_log off;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  nchan_shared_memory_size 256M;
  server {
    listen %[3]s backlog=4096 reuseport;
    location = /pub {
      nchan_publisher;
      nchan_channel_id $arg_id;
      nchan_message_buffer_length 100;
      nchan_message_timeout 2m;
    }
    location = /sub {
      nchan_subscriber websocket eventsource;
      nchan_channel_id $arg_id;
    }
  }
}
`

// nchan is nginx with its module, from Debian's packages if it is not there.
func nchan(_ context.Context, folder string) ([]server, error) {
	program, err := findNginx()
	if err != nil {
		return nil, err
	}
	var lives atomic.Int32
	start := func(ctx context.Context) (*bench.Target, func() error, error) {
		address, err := freeAddress()
		if err != nil {
			return nil, nil, err
		}
		own := filepath.Join(folder, fmt.Sprintf("nchan-%d", lives.Add(1)))
		if err := os.Mkdir(own, 0o755); err != nil {
			return nil, nil, err
		}
		file := filepath.Join(own, "nginx.conf")
		if err := os.WriteFile(file, fmt.Appendf(nil, nchanConfig, own, nchanModule, address, runtime.NumCPU()), 0o600); err != nil {
			return nil, nil, err
		}
		s := plainServer{plain{subscribe: "/sub?id=", publish: "/pub?id="}, address, runtime.NumCPU()}
		return s.start(ctx, program, "-p", own, "-e", "stderr", "-c", file)
	}
	return []server{{"Nchan", bench.WebSocket, start}, {"Nchan, SSE", bench.SSE, start}}, nil
}

// findNginx looks for nginx and the module, and installs them where that is allowed.
func findNginx() (program string, err error) {
	for _, name := range []string{"nginx", "libnginx-mod-nchan"} {
		if complete() {
			break
		}
		if err := debian.Install(name); err != nil {
			return "", fmt.Errorf("server Nchan is %w: %w", errMissing, err)
		}
	}
	if !complete() {
		return "", fmt.Errorf("server Nchan is %w: Debian's packages do not hold %s", errMissing, nchanModule)
	}
	return lookNginx()
}

func complete() bool {
	_, errModule := os.Stat(nchanModule)
	_, errProgram := lookNginx()
	return errors.Join(errModule, errProgram) == nil
}

// lookNginx finds the program also where only root's path leads.
func lookNginx() (string, error) {
	if program, err := exec.LookPath("nginx"); err == nil {
		return program, nil
	}
	return exec.LookPath("/usr/sbin/nginx")
}

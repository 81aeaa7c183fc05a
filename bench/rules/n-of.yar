// Some of many.
rule BenchNOf {
  strings:
    $a = "pthread_create"
    $b = "epoll_wait"
    $c = "getaddrinfo"
    $d = "SSL_connect"
    $e = "dlopen"
  condition:
    3 of them
}

rule a {
  strings:
    $a = "This program cannot" base64
    $b = "This program cannot" base64wide
    $c = "This program cannot" base64 base64wide
    $d = "This program cannot" base64("!@#$%^&*(){}[].,|ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstu")
    $e = "This program cannot" base64wide("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
  condition: any of them
}

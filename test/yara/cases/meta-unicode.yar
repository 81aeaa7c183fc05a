rule a { meta: name = "Täuschkörper 🦊" condition: filesize > 0 }

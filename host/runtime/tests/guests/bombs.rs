// Components that are small and valid, and that no compiler should be left alone with.
use wasm_encoder::{
    BlockType, CodeSection, Component, Function, FunctionSection, Module, ModuleSection, TypeSection, ValType,
};

/// One function with so many calls. The allocator of registers works on a function as a whole: a
/// megabyte of this makes the compiler take one gibibyte.
pub(crate) fn swelling(calls: u32) -> Vec<u8> {
    component(|function| {
        for _ in 0..calls {
            function.instructions().call(0);
        }
    })
}

/// One function whose blocks lie in each other so deep. Half a megabyte of this keeps the compiler
/// busy for minutes, and takes little memory.
pub(crate) fn nested(depth: u32) -> Vec<u8> {
    component(|function| {
        for _ in 0..depth {
            function.instructions().block(BlockType::Empty).local_get(0).br_if(0);
        }
        for _ in 0..depth {
            function.instructions().end();
        }
    })
}

/// A component around a module of this one function, which has one local.
fn component(body: impl FnOnce(&mut Function)) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut function = Function::new([(1, ValType::I32)]);
    body(&mut function);
    function.instructions().end();
    let mut code = CodeSection::new();
    code.function(&function);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    let mut component = Component::new();
    component.section(&ModuleSection(&module));
    component.finish()
}
